"""Asks the API server of KUBECONFIG about every object of this folder, and prints where we agree.

Run: .venv/bin/python -m tests.agreement [--record]
"""

import argparse
import itertools
import json
import sys
from collections.abc import Mapping

from tests.agreement.compared import VERDICTS, Row, compare, judge
from tests.agreement.objects import Sample, broken_samples, definitions, valid_samples
from tests.agreement.server import Server


def ask(server: Server, samples: list[Sample]) -> Mapping[str, str]:
    with server.prepared(definitions()):
        return {sample.key: server.verdict(sample.manifest).reason for sample in samples}


def rows(verdicts: Mapping[str, str]) -> list[Row]:
    schemas = judge()
    valid = sorted(valid_samples(), key=lambda sample: sample.folder)
    table = [
        compare(f"{folder}valid", samples, verdicts, schemas)
        for folder, samples in itertools.groupby(valid, key=lambda sample: sample.folder)
    ]
    for fault, samples in itertools.groupby(broken_samples(), key=lambda sample: sample.file):
        table.append(compare(fault, samples, verdicts, schemas))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write verdicts.json")
    arguments = parser.parse_args()
    server = Server()
    verdicts = ask(server, [*valid_samples(), *broken_samples()])
    if arguments.record:
        data = {"version": server.version, "verdicts": verdicts}
        VERDICTS.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    write = sys.stdout.write
    write(f"{'Kubernetes ' + server.version:30} {'objects':>8} {'refused':>8} {'found':>8}\n")
    for row in rows(verdicts):
        share = f" {row.found / row.refused:7.1%}" if row.refused else ""
        write(f"{row.name:30} {row.objects:8} {row.refused:8} {row.found:8}{share}\n")
        for line in row.disagreements:
            write(f"  {line}\n")


if __name__ == "__main__":
    main()
