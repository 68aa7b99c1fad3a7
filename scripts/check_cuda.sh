#!/bin/sh
# What a build with CUDA needs beside ./run setup's packages: a line for each thing that is missing, with where it comes from.
# Exits 1 where there can be no such build. CUDACXX names another nvcc than the PATH's or /usr/local/cuda's.
set -u

nvcc=${CUDACXX:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
failed=0
missing() {
  echo "setup: $*" >&2
  failed=1
}

# header NAME MACRO…: the numbers that a header of the toolkit or the system gives to its macros; fails where it is not there.
folder=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
header() {
  name=$1
  shift
  text=$(printf '#include <%s>\n%s\n' "$name" "$*" | g++ -E -P -I"$folder/include" -x c++ - 2>/dev/null) || return 1
  echo "$text" | tail -n 1
}

if [ ! -x "$nvcc" ]; then
  missing "there is no nvcc ($nvcc): NVIDIA's CUDA toolkit 13, package cuda-toolkit-13-0 of NVIDIA's repository for this system; or set CUDACXX to its nvcc"
else
  release=$("$nvcc" --version | sed -n 's/.*release \([0-9]*\)\.\([0-9]*\).*/\1.\2/p')
  [ "${release%.*}" = 13 ] ||
    missing "$nvcc is of CUDA ${release:-no known version}; 13 is needed: package cuda-toolkit-13-0 of NVIDIA's repository for this system"
fi

cudnn="cuDNN 9, from 9.13.1 on, for CUDA 13: package libcudnn9-dev-cuda-13 of NVIDIA's repository for this system"
if version=$(header cudnn_version.h CUDNN_MAJOR CUDNN_MINOR CUDNN_PATCHLEVEL); then
  set -- $version
  [ "$1" = 9 ] && [ $(($2 * 100 + $3)) -ge 1301 ] || missing "cudnn_version.h is of cuDNN $1.$2.$3; needed is $cudnn"
else
  missing "there is no cudnn.h; needed is $cudnn"
fi

header nccl.h NCCL_MAJOR >/dev/null ||
  echo "setup: there is no nccl.h, which training on several GPUs needs, and nothing else: package libnccl-dev" >&2
exit $failed
