// yamlreader reads YAML as kubectl does: for each JSON text on its input it writes one line, with the value
// of the YAML in that text or with the error.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	decoder := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := bufio.NewWriter(os.Stdout)
	for {
		var text string
		err := decoder.Decode(&text)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(out, answer(text))
		out.Flush()
	}
}

func answer(text string) string {
	value, err := yaml.YAMLToJSON([]byte(text))
	reply := map[string]any{"value": json.RawMessage(value)}
	if err != nil {
		reply = map[string]any{"error": err.Error()}
	}
	line, err := json.Marshal(reply)
	if err != nil {
		return `{"error": "cannot be told as JSON"}`
	}
	return string(line)
}
