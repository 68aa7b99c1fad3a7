#!/usr/bin/env python3
"""scripts/check_kernels.py with a script in nvcc's place that says what a test wants. Run by ctest where there is python3."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check_kernels.py"


def said_of(kind, registers, stack=0, spills=0):
    return f"""ptxas info    : 24 bytes gmem
ptxas info    : Compiling entry function '_Z6kernelv' for 'sm_{kind}'
ptxas info    : Function properties for _Z6kernelv
    {stack} bytes stack frame, {spills} bytes spill stores, {spills} bytes spill loads
ptxas info    : Used {registers} registers, used 0 barriers, 352 bytes cmem[0]
ptxas info    : Compile time = 13.833 ms
"""


class CheckKernels(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.nvcc = Path(self.folder.name) / "nvcc"
        self.object = Path(self.folder.name) / "kernels.o"

    def tearDown(self):
        self.folder.cleanup()

    def run_with(self, words, *arguments, status=0):
        """The script's run where nvcc makes its object, says these words on stderr and exits so."""
        (Path(self.folder.name) / "words").write_text(words)
        self.nvcc.write_text(f"#!/bin/sh\ncat {self.folder.name}/words >&2\ntouch {self.object}\nexit {status}\n")
        self.nvcc.chmod(0o755)
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
                              env={**os.environ, "CUDACXX": str(self.nvcc), "CCACHE_DISABLE": "1", "SONOGRAD_FULL": ""})

    def build(self, words, file="tensor/gpu/probe.cu", status=0):
        return self.run_with(words, "--build", str(self.nvcc), "-O3", "-x", "cu", "-c", str(ROOT / file), "-o", str(self.object),
                             status=status)

    def test_a_build_within_the_limits_says_nothing_of_them(self):
        done = self.build(said_of(80, 64) + "a warning\n" + said_of(90, 40))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", "a warning\n"))
        self.assertTrue(self.object.exists())

    def test_a_build_beyond_a_limit_fails_and_leaves_no_object(self):
        for words, over in [(said_of(80, 40) + said_of(90, 65), "sm_90: 65 registers, 0 bytes of stack; TOO MANY: 65 registers, allowed 64"),
                            (said_of(80, 40, 8), "TOO MANY: 8 stack, allowed 0"),
                            (said_of(80, 40) + said_of(80, 3, 0, 4) + said_of(80, 3), "TOO MANY: 4 spills, allowed 0")]:
            done = self.build(words)
            self.assertEqual(done.returncode, 1)
            self.assertIn("tensor/gpu/probe.cu, sm_", done.stderr)
            self.assertIn(over, done.stderr)
            self.assertNotIn("ptxas info", done.stderr)
            self.assertFalse(self.object.exists())

    def test_a_file_may_have_limits_of_its_own(self):
        self.assertEqual(self.build(said_of(80, 96), "ops/pooling/pooling.cu").returncode, 0)
        self.assertEqual(self.build(said_of(80, 97), "ops/pooling/pooling.cu").returncode, 1)

    def test_what_does_not_compile_fails_as_it_would_without(self):
        done = self.build("kernels.cu(3): error: no\n", status=2)
        self.assertEqual((done.returncode, done.stderr), (2, "kernels.cu(3): error: no\n"))

    def test_the_check_by_itself_fails_beyond_a_limit_and_without_words_of_ptxas(self):
        self.assertEqual(self.run_with(said_of(80, 64), "80").returncode, 0)
        self.assertEqual(self.run_with(said_of(80, 64), "--test").returncode, 0)
        self.assertEqual(self.run_with(said_of(80, 129), "--test").returncode, 1)
        self.assertEqual(self.run_with("", "80").returncode, 1)
        self.assertEqual(self.run_with(said_of(80, 64), "80", status=1).returncode, 1)

    def test_it_is_skipped_without_nvcc(self):
        done = subprocess.run([sys.executable, SCRIPT, "--test"], capture_output=True, text=True,
                              env={**os.environ, "CUDACXX": self.folder.name + "/none"})
        self.assertEqual(done.returncode, 77)
        self.assertIn("skipped: there is no nvcc", done.stdout)


if __name__ == "__main__":
    unittest.main()
