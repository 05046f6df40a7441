// Peers runs Flux's engine (github.com/fluxcd/pkg/ssa) on files of objects and prints, as JSON, how long its calls took.
//
//	peers -kubeconfig FILE [-mode apply|diff] [-concurrency 4] [-repeat 1] OBJECTS...
//
// Each file is one app: a YAML stream or a List. Mode apply is one ApplyAllStaged for each file, which is also how
// Flux looks for drift; mode diff is one Diff for each object, so many at a time as the concurrency says. Reading the
// files, the ownership labels and the connection are not timed, and the client is not throttled.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/utils"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
)

// round is one pass over all files: seconds inside the engine, and how many objects had which result.
type round struct {
	Seconds float64        `json:"seconds"`
	Actions map[string]int `json:"actions"`
}

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "the cluster")
	mode := flag.String("mode", "apply", "apply or diff")
	concurrency := flag.Int("concurrency", 4, "as Flux's --concurrent-ssa")
	repeat := flag.Int("repeat", 1, "how many rounds in this process")
	flag.Parse()
	rounds, err := run(*kubeconfig, *mode, *concurrency, *repeat, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(rounds); err != nil {
		os.Exit(1)
	}
}

func run(kubeconfig, mode string, concurrency, repeat int, files []string) ([]round, error) {
	if mode != "apply" && mode != "diff" {
		return nil, fmt.Errorf("-mode is apply or diff, not %q", mode)
	}
	manager, err := connect(kubeconfig, concurrency)
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	rounds := []round{}
	for range repeat {
		// Read anew: the engine changes the objects that it is given.
		apps, err := read(manager, files)
		if err != nil {
			return nil, err
		}
		done := round{Actions: map[string]int{}}
		begin := time.Now()
		for _, objects := range apps {
			var entries []ssa.ChangeSetEntry
			if mode == "apply" {
				entries, err = apply(ctx, manager, objects)
			} else {
				entries, err = diff(ctx, manager, objects, concurrency)
			}
			if err != nil {
				return nil, err
			}
			for _, entry := range entries {
				done.Actions[string(entry.Action)]++
			}
		}
		done.Seconds = time.Since(begin).Seconds()
		rounds = append(rounds, done)
	}
	return rounds, nil
}

func connect(kubeconfig string, concurrency int) (*ssa.ResourceManager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.WarningHandler = rest.NoWarnings{}
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, err
	}
	api, err := client.New(config, client.Options{HTTPClient: http, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	poller := polling.NewStatusPoller(api, mapper, polling.Options{})
	owner := ssa.Owner{Field: "kustomize-controller", Group: "kustomize.toolkit.fluxcd.io"}
	manager := ssa.NewResourceManager(api, poller, owner)
	manager.SetConcurrency(concurrency)
	return manager, nil
}

func read(manager *ssa.ResourceManager, files []string) ([][]*unstructured.Unstructured, error) {
	apps := [][]*unstructured.Unstructured{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		objects, err := utils.ReadObjects(file)
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		manager.SetOwnerLabels(objects, "peer", "flux-system")
		apps = append(apps, objects)
	}
	return apps, nil
}

func apply(
	ctx context.Context, manager *ssa.ResourceManager, objects []*unstructured.Unstructured,
) ([]ssa.ChangeSetEntry, error) {
	changes, err := manager.ApplyAllStaged(ctx, objects, ssa.DefaultApplyOptions())
	if err != nil {
		return nil, err
	}
	return changes.Entries, nil
}

func diff(
	ctx context.Context, manager *ssa.ResourceManager, objects []*unstructured.Unstructured, concurrency int,
) ([]ssa.ChangeSetEntry, error) {
	entries := make([]ssa.ChangeSetEntry, len(objects))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for at, object := range objects {
		group.Go(func() error {
			entry, _, _, err := manager.Diff(ctx, object, ssa.DefaultDiffOptions())
			if err == nil {
				entries[at] = *entry
			}
			return err
		})
	}
	return entries, group.Wait()
}
