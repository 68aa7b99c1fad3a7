#!/usr/bin/env python3
"""scripts/check_cuda.sh on made toolkits. Run by ctest where there is python3."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_cuda.sh"


class CheckCuda(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        for folder in ["bin", "include", "path"]:
            (self.root / folder).mkdir()
        self.program("path/g++", f'exec {shutil.which("g++")} -nostdinc "$@"')  # sees the made headers alone
        self.toolkit("13.0")
        self.cudnn(9, 13, 1)
        (self.root / "include/nccl.h").write_text("#define NCCL_MAJOR 2\n")

    def tearDown(self):
        self.folder.cleanup()

    def program(self, name, line):
        (self.root / name).write_text(f"#!/bin/sh\n{line}\n")
        (self.root / name).chmod(0o755)

    def toolkit(self, version):
        self.program("bin/nvcc", f'echo "Cuda compilation tools, release {version}, V{version}.88"')

    def cudnn(self, major, minor, patch):
        (self.root / "include/cudnn_version.h").write_text(
            f"#define CUDNN_MAJOR {major}\n#define CUDNN_MINOR {minor}\n#define CUDNN_PATCHLEVEL {patch}\n")

    def lines(self, status):
        done = subprocess.run([SCRIPT], capture_output=True, text=True, env={
            **os.environ, "CUDACXX": str(self.root / "bin/nvcc"), "PATH": f"{self.root}/path:{os.environ['PATH']}"})
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        return done.stderr.splitlines()

    def says(self, status, *words):
        lines = self.lines(status)
        self.assertEqual(len(lines), 1, lines)
        for word in words:
            self.assertIn(word, lines[0])

    def test_nothing_is_said_where_nothing_is_missing(self):
        self.assertEqual(self.lines(0), [])
        self.toolkit("13.2")
        self.cudnn(9, 26, 0)
        self.assertEqual(self.lines(0), [])

    def test_a_toolkit_of_another_version(self):
        self.toolkit("12.9")
        self.says(1, "is of CUDA 12.9; 13 is needed: package cuda-toolkit-13-0")

    def test_no_toolkit(self):
        (self.root / "bin/nvcc").unlink()
        self.says(1, "there is no nvcc (", "CUDA toolkit 13, package cuda-toolkit-13-0", "CUDACXX")

    def test_cudnn_too_old_too_new_or_absent(self):
        for version in [(9, 13, 0), (9, 2, 10), (8, 20, 0), (10, 0, 0)]:
            self.cudnn(*version)
            self.says(1, "is of cuDNN {}.{}.{}; needed is cuDNN 9, from 9.13.1 on".format(*version), "package libcudnn9-dev-cuda-13")
        (self.root / "include/cudnn_version.h").unlink()
        self.says(1, "there is no cudnn.h; needed is cuDNN 9, from 9.13.1 on")

    def test_nccl_is_missed_but_not_needed(self):
        (self.root / "include/nccl.h").unlink()
        self.says(0, "there is no nccl.h", "package libnccl-dev")


if __name__ == "__main__":
    unittest.main()
