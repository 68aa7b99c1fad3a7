#!/bin/sh
# What the first user with a card is asked to run: builds with CUDA, runs the first checks, then all tests of the gpu device, the same under
# compute-sanitizer's four tools, times training and inference on it beside the CPU and, where Python has it, PyTorch, and tries several cards together. Leaves all that was printed
# in a folder, to be sent as it is; a step that fails does not stop those after it.
# usage: scripts/gpu_report.sh [FOLDER]      (default: gpu-report)
set -u
cd "$(dirname "$0")/.." || exit 1
out=${1:-gpu-report}

nvidia-smi -L >/dev/null 2>&1 || {
  echo "gpu_report: there is no NVIDIA GPU here, or no driver: \`nvidia-smi -L\` fails" >&2
  exit 1
}
[ ! -e "$out" ] || {
  echo "gpu_report: $out is there already; name another folder" >&2
  exit 1
}
mkdir -p "$out"

failed=""
# step NAME COMMAND…: its output into FOLDER/NAME.txt
step() {
  name=$1
  shift
  echo "gpu_report: $name" >&2
  "$@" >"$out/$name.txt" 2>&1 || {
    failed="$failed $name"
    echo "gpu_report: $name failed: $(tail -n 1 "$out/$name.txt")" >&2
  }
}

step machine sh -c 'nvidia-smi; nvcc --version; git log -1 --format=%H; uname -a'
step build ./run build --cuda
step first-checks build/cuda/tests/gpu_tests --source-file='*/first_checks_test.cpp'
step tests ctest --test-dir build/cuda -L '^gpu$' --output-on-failure
if command -v compute-sanitizer >/dev/null 2>&1; then
  for tool in memcheck racecheck initcheck synccheck; do
    # Each tensor in memory of its own, so that what is written beyond one shows. One test goes astray on purpose.
    step "sanitizer-$tool" env SONOGRAD_GPU_POOL=0 compute-sanitizer --tool "$tool" --error-exitcode 1 \
      build/cuda/tests/gpu_tests --test-case-exclude='an illegal access*'
  done
else
  echo "gpu_report: no compute-sanitizer on the PATH (it comes with CUDA's toolkit): left out" >&2
fi
program=build/cuda/apps/sonograd
for model in efficientnetb3 aeganb3 densenet169 xception vit_b16 vit_b32; do
  for what in infer train; do
    step "bench-$model-$what" sh -c "
      $program bench --device cpu --model $model --what $what --repeat 2 --json
      $program bench --device gpu --model $model --what $what --repeat 20 --json
      $program bench --device gpu --tf32 --model $model --what $what --repeat 20 --json"
  done
  step "ops-$model" "$program" bench --device gpu --tf32 --model "$model" --what train --ops
done
if python3 -c "import torch, timm" 2>/dev/null; then
  step peers python3 bench/peers/compare.py --sonograd "$program" --device gpu --tf32 --cuda-graph --batch 32 --rounds 1 --markdown
fi
for model in aeganb3 densenet169; do  # whose steps are norms for a good part
  step "bench-$model-batch-norm" "$program" bench --device gpu --batch-norm cudnn --model "$model" --what train --repeat 20 --json
done
for model in mini aeganb3 densenet169 xception vit_b16; do
  step "bench-$model-graph" sh -c "
    $program bench --device gpu --model $model --what train --batch 16 --repeat 50 --json
    $program bench --device gpu --cuda-graph --model $model --what train --batch 16 --repeat 50 --json
    $program bench --device gpu --model $model --what cached --batch 16 --repeat 50 --json
    $program bench --device gpu --cuda-graph --model $model --what cached --batch 16 --repeat 50 --json"
done
for attention in "" "--attention cudnn"; do
  step "bench-vit_b16-bf16${attention:+-attention}" "$program" bench --device gpu --dtype bf16 $attention --model vit_b16 --what train --repeat 20 --json
done
step bench-dcgan "$program" bench --device gpu --model dcgan --what train --image-size 64 --repeat 20 --json
gpus=$(nvidia-smi -L | wc -l)
if [ "$gpus" -ge 2 ] && command -v mpirun >/dev/null 2>&1; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  step nccl mpirun -np "$gpus" --bind-to none build/cuda/tests/nccl/nccl_tests
  step phantoms "$program" data phantom "$out/phantoms" --count 60 --size 224
  for count in 1 "$gpus"; do  # as many images a GPU, so that the times say what the sums cost
    step "train-on-$count" sh -c "time mpirun -np $count --bind-to none $program train --device gpu --data $out/phantoms \
      --out $out/train-on-$count --model aeganb3 --batch $((32 * count)) --sync-batch-norm --steps 100 --no-shuffle"
  done
else
  echo "gpu_report: one GPU alone, or no mpirun (./run setup --mpi): NCCL left out" >&2
fi
step demo "$program" demo --device gpu --out "$out/demo-run"

echo "gpu_report: done; please send $out${failed:+ (failed:$failed)}"
[ -z "$failed" ]
