#!/usr/bin/env python3
"""Fetches the official weight files that models/zoo/*.json names, and verifies their checksums.

  scripts/fetch_weights.py --list
  scripts/fetch_weights.py densenet169                      into weights/
  scripts/fetch_weights.py vit_b16 xception --out DIR       several models
  scripts/fetch_weights.py efficientnetb3 --top             also the file with the head of 1000 classes

A file is written aside (NAME.part), verified and renamed; one that is there already is verified, not fetched again; what was
left of an interrupted transfer is gone on with where the server can. Publishers of some files (vit-keras, Google's ViT) give no
checksum: then the SHA-256 of what came is printed, and `--sha256` pins it. Proxies: by the environment (https_proxy).
Standard library only. Exit status 0: all files are there and right; 1: one line on stderr says what is not; 2: bad usage.
"""

import argparse
import hashlib
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

ZOO = Path(__file__).resolve().parent.parent / "models" / "zoo"
CHUNK = 1 << 20


class Failure(Exception):
    """One line for stderr."""


def read_zoo(folder):
    """Model -> its official files, as dictionaries with name, address, md5 (or none) and top."""
    models = {}
    for path in sorted(folder.glob("*.json")):
        for model, facts in json.loads(path.read_text())["models"].items():
            models[model] = [file | {"name": file["address"].rsplit("/", 1)[-1]} for file in facts["files"]]
    return models


def digest(path, algorithm):
    with open(path, "rb") as file:
        state = hashlib.new(algorithm)
        while chunk := file.read(CHUNK):
            state.update(chunk)
    return state.hexdigest()


def transfer(address, part, timeout):
    """Appends to `part` what it lacks. A server that cannot go on in the middle sends the file from its beginning."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        if have and reply.status != 206:
            have = 0
        length = reply.headers.get("Content-Length")
        expected = have + int(length) if length else None
        with open(part, "ab" if have else "wb") as file:
            while chunk := reply.read(CHUNK):
                file.write(chunk)
                have += len(chunk)
                progress(part.stem, have, expected)
    if expected is not None and have != expected:
        raise Failure(f"{address}: cut short after {have} of {expected} bytes; run again to go on")


def progress(name, have, expected):
    if sys.stderr.isatty():
        share = f"{100 * have / expected:5.1f} %" if expected else ""
        print(f"\r{name}: {have >> 20} MiB {share}", end="\n" if have == expected else "", file=sys.stderr)


def receive(address, part, timeout):
    try:
        transfer(address, part, timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # nothing lies behind what is there: it is whole, or not this file
            raise Failure(f"{address}: the server says {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise Failure(f"{address}: {error.reason}; is there a way to the internet (or https_proxy)?") from error
    except (ConnectionError, TimeoutError) as error:
        raise Failure(f"{address}: {error}; run again to go on") from error


def fetch(file, folder, sha256, timeout):
    target = folder / file["name"]
    part = folder / (file["name"] + ".part")
    algorithm, right = ("sha256", sha256) if sha256 else ("md5", file.get("md5"))
    if target.exists():
        if right and digest(target, algorithm) != right:
            raise Failure(f"{target}: its {algorithm} is not {right}; move it away and run again")
        return f"{target}: there already" + ("" if right else ", not verified")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        receive(file["address"], part, timeout)
        if right and (found := digest(part, algorithm)) != right:
            part.unlink()
            raise Failure(f"{file['address']}: the {algorithm} of what came is {found}, not {right}; nothing was kept")
        part.rename(target)
    except OSError as error:
        raise Failure(f"{error.filename or target}: {error.strerror or error}") from error
    if right:
        return f"{target}: {algorithm} {right}"
    return f"{target}: no checksum is published; sha256 {digest(target, 'sha256')}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--out", type=Path, default=Path("weights"), help="folder for the files (default: weights)")
    parser.add_argument("--top", action="store_true", help="also the files with the head of 1000 classes")
    parser.add_argument("--sha256", help="of the one file that is fetched, in place of the published checksum")
    parser.add_argument("--list", action="store_true", help="print model, checksum and address of every file")
    parser.add_argument("--zoo", type=Path, default=ZOO, help="folder of the lists (default: models/zoo)")
    parser.add_argument("--timeout", type=float, default=60, help="seconds without a byte before giving up")
    options = parser.parse_args()

    models = read_zoo(options.zoo)
    if options.list:
        for model, files in models.items():
            for file in files:
                print(model, file.get("md5", "-"), file["address"])
        return 0
    unknown = [model for model in options.models if not models.get(model)]
    if unknown or not options.models:
        given = f"no official files are known of {', '.join(unknown)}" if unknown else "which model?"
        parser.error(f"{given}; there are {', '.join(model for model, files in models.items() if files)}")
    wanted = []
    for model in options.models:
        bases = [file for file in models[model] if not file["top"]] or models[model]
        wanted += models[model] if options.top else bases
    wanted = list({file["name"]: file for file in wanted}.values())
    if options.sha256 and len(wanted) != 1:
        parser.error(f"--sha256 is of one file, these are {len(wanted)}")
    for file in wanted:
        print(fetch(file, options.out, options.sha256, options.timeout), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"fetch_weights: {failure}", file=sys.stderr)
        sys.exit(1)
