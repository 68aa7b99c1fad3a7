#!/usr/bin/env python3
"""scripts/fetch_weights.py against a server of our own on 127.0.0.1, with made files. Run by ctest where there is python3."""

import hashlib
import http.server
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "fetch_weights.py"
CONTENT = bytes(range(256)) * 20000  # 5 MB: several chunks
HALF = len(CONTENT) // 2


class Server(http.server.BaseHTTPRequestHandler):
    """/whole.h5: answers ranges. /restart.h5: does not. /short.h5: promises all of it and sends a half, once."""

    protocol_version = "HTTP/1.1"
    seen = []  # (path, Range header or None)
    cut = set()

    def do_GET(self):
        asked = self.headers.get("Range")
        Server.seen.append((self.path, asked))
        if self.path == "/none.h5":
            return self.send_error(404)
        begin = int(asked.split("=")[1].rstrip("-")) if asked and self.path != "/restart.h5" else 0
        if begin >= len(CONTENT):
            return self.send_error(416)
        body = CONTENT[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/short.h5" and self.path not in Server.cut:
            Server.cut.add(self.path)
            body = body[:HALF]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class FetchWeights(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.out = self.root / "out"
        Server.seen.clear()
        Server.cut.clear()
        right = hashlib.md5(CONTENT).hexdigest()
        files = {name: {"md5": right} for name in ("whole", "restart", "short", "none")}
        models = {
            name: {"files": [{"address": self.address(name), "top": False} | facts]} for name, facts in files.items()
        }
        models["wrong"] = {"files": [{"address": self.address("whole"), "md5": "0" * 32, "top": False}]}
        models["unpinned"] = {"files": [{"address": self.address("whole"), "top": True}]}
        models["ours"] = {"files": []}
        (self.root / "family.json").write_text(json.dumps({"models": models}))

    def tearDown(self):
        self.server.shutdown()
        self.server.server_close()
        self.folder.cleanup()

    def address(self, name):
        return f"http://127.0.0.1:{self.server.server_port}/{name}.h5"

    def run_script(self, *arguments, largest=None):
        limit = largest and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest)))
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        command = [sys.executable, str(SCRIPT), "--zoo", str(self.root), "--out", str(self.out), *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=limit)

    def refused(self, *arguments, words, largest=None):
        done = self.run_script(*arguments, largest=largest)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def kept(self):
        return {path.name: path.read_bytes() for path in self.out.iterdir()} if self.out.exists() else {}

    def test_right_file_is_kept_and_not_fetched_again(self):
        for time in range(2):
            done = self.run_script("whole")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.kept(), {"whole.h5": CONTENT})
            self.assertEqual(len(Server.seen), 1)

    def test_wrong_checksum_keeps_nothing(self):
        self.refused("wrong", words=["md5", hashlib.md5(CONTENT).hexdigest(), "0" * 32])
        self.assertEqual(self.kept(), {})

    def test_damaged_file_on_disk_is_not_written_over(self):
        self.out.mkdir()
        (self.out / "whole.h5").write_bytes(b"other")
        self.refused("whole", words=["whole.h5", "move it away"])
        self.assertEqual(self.kept(), {"whole.h5": b"other"})

    def test_missing_on_the_server(self):
        self.refused("none", words=["404", "none.h5"])
        self.assertEqual(self.kept(), {})

    def test_cut_short_then_goes_on(self):
        self.refused("short", words=["cut short", str(HALF)])
        self.assertEqual(list(self.kept()), ["short.h5.part"])
        done = self.run_script("short")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.kept(), {"short.h5": CONTENT})
        self.assertEqual(Server.seen[-1], ("/short.h5", f"bytes={HALF}-"))

    def test_restarts_where_the_server_knows_no_ranges(self):
        self.out.mkdir()
        (self.out / "restart.h5.part").write_bytes(CONTENT[:100])
        done = self.run_script("restart")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.kept(), {"restart.h5": CONTENT})

    def test_whole_file_left_aside_is_verified_and_taken(self):
        self.out.mkdir()
        (self.out / "whole.h5.part").write_bytes(CONTENT)
        self.assertEqual(self.run_script("whole").returncode, 0)
        self.assertEqual(self.kept(), {"whole.h5": CONTENT})

    def test_no_space(self):
        self.refused("whole", words=["whole.h5", "File too large"], largest=1 << 20)
        self.assertNotIn("whole.h5", self.kept())

    def test_no_server(self):
        self.server.shutdown()
        self.server.server_close()
        self.refused("whole", words=["whole.h5", "https_proxy"])

    def test_without_a_published_checksum(self):
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        done = self.run_script("unpinned")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(sha256, done.stdout)
        (self.out / "whole.h5").unlink()
        self.assertEqual(self.run_script("unpinned", "--sha256", sha256).returncode, 0)
        (self.out / "whole.h5").unlink()
        self.refused("unpinned", "--sha256", "1" * 64, words=["sha256", sha256])

    def test_bad_usage(self):
        for arguments in (["resnet"], ["ours"], [], ["whole", "short", "--sha256", "0"]):
            self.assertEqual(self.run_script(*arguments).returncode, 2)

    def test_lists_what_the_project_names(self):
        done = subprocess.run([sys.executable, str(SCRIPT), "--list"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("efficientnetb3 af6d107764bb5b1abb91932881670226 https://", done.stdout)


if __name__ == "__main__":
    unittest.main()
