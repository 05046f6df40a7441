"""Versions of the agent's image that do not work: another program in the place of `towpath`."""

import io
import tarfile
from collections.abc import Mapping

PROGRAM = "/opt/towpath/bin/towpath"
_ANSWERS = """\
#!/opt/towpath/bin/python
import signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({answers}.get(self.path, 404))
        self.send_header("Content-Length", "0")
        self.end_headers()

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", 9090), Handler).serve_forever()
"""
PROGRAMS: Mapping[str, str] = {
    "crashes": "#!/bin/sh\necho 'this version crashes'\nexit 3\n",
    "never-ready": _ANSWERS.format(answers={"/healthz": 200, "/readyz": 503}),
    "idle": _ANSWERS.format(answers={"/healthz": 200, "/readyz": 200}),
}
"""The last one tells every probe that it works, and does nothing."""


def archive(program: str) -> bytes:
    """The program's file, as a container takes it in the folder of PROGRAM."""
    content, written = program.encode(), io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        entry = tarfile.TarInfo(PROGRAM.rpartition("/")[2])
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()
