// Asks the real cuDNN, without a GPU, for the plans that our code would run.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <set>

#include "tensor/cudnn.h"
#include "tensor/file.h"
#include "tests/cudnn_plans/here.h"
#include "tests/cudnn_plans/table.h"

using namespace sonograd;
using convolution::Direction;
using cudnn::Arithmetic;

namespace {

struct Policy {
  const char* name;
  Arithmetic arithmetic;
  bool deterministic = true;
};
constexpr std::array<Policy, 4> policies{{{"f32", Arithmetic::f32},
                                          {"bf16 or f16", Arithmetic::rounded},
                                          {"tf32", Arithmetic::tf32},
                                          {"tf32, any order of sums", Arithmetic::tf32, false}}};

std::vector<Choice> choose(const std::vector<Walked>& convolutions, const DescribedGpu& gpu,
                           const Policy& policy) {
  const cudnn::Target target(gpu.properties());
  std::vector<Choice> choices;
  for (const Walked& walked : convolutions) {
    cudnn::Convolution convolution = walked.convolution;
    convolution.arithmetic = policy.arithmetic;
    convolution.deterministic = policy.deterministic;
    const cudnn::ConvolutionPlan plan(convolution, target, cudnn::workspace_limit);
    INFO(gpu.name << ", " << policy.name << ": " << walked.model << ": " << convolution.text());
    CHECK(plan.found());
    CHECK(plan.workspace() <= cudnn::workspace_limit);
    choices.push_back({plan.found(), plan.engine(), plan.workspace()});
  }
  return choices;
}

void write_table(const std::string& text) {
  const std::string page = SONOGRAD_SOURCE_DIR "/docs/gpu.md", whole = read_file(page);
  const std::string begin = "<!-- written by cudnn_plans_tests -->\n", end = "<!-- end of what it wrote -->";
  const std::size_t from = whole.find(begin), to = whole.find(end);
  REQUIRE(from < to);
  write_file_atomically(page, whole.substr(0, from + begin.size()) + text + whole.substr(to));
}

}  // namespace

// In f32 on every GPU; SONOGRAD_FULL=1 adds the other precisions, SONOGRAD_WRITE_PLANS=1 writes their table.
TEST_CASE("every convolution of the paper's models has a plan on every GPU") {
  if (!cudnn_is_here()) return;
  const bool write = std::getenv("SONOGRAD_WRITE_PLANS"), all = write || std::getenv("SONOGRAD_FULL");
  const std::vector<Walked>& convolutions = walk().convolutions;
  CHECK(convolutions.size() > 50);
  Choices choices;
  for (const Policy& policy : policies)
    for (const DescribedGpu& gpu : described_gpus)
      if (all || policy.arithmetic == Arithmetic::f32)
        choices[policy.name][gpu.capability] = choose(convolutions, gpu, policy);
  if (write)
    write_table(
        plans_in_markdown(convolutions, choices, cudnn::workspace_limit, cudnn::functions().version()));
}

// The convolution of each sample of an op, so that what the op suite runs on a GPU is asked for here too.
static std::vector<cudnn::Convolution> sampled_convolutions() {
  std::vector<cudnn::Convolution> found;
  for (const Sample& sample : registry().at(Conv2d::name).good) {
    const auto& conv = *static_cast<const Conv2d*>(sample.op->attributes());
    for (const auto direction : {Direction::forward, Direction::grad_x, Direction::grad_w})
      found.push_back({direction, conv, sample.inputs[0].shape, sample.inputs[1].shape});
  }
  return found;
}

TEST_CASE("the samples have plans at every alignment, with and without workspace") {
  if (!cudnn_is_here()) return;
  for (const DescribedGpu& gpu : described_gpus) {
    const cudnn::Target target(gpu.properties());
    for (cudnn::Convolution convolution : sampled_convolutions())
      for (const Int alignment : {4, 16}) {
        convolution.alignment = alignment;
        INFO(gpu.name << ": " << convolution.text() << ", alignment " << alignment);
        CHECK(cudnn::ConvolutionPlan(convolution, target, 0).found());
        CHECK(cudnn::ConvolutionPlan(convolution, target, cudnn::workspace_limit).found());
      }
  }
}

TEST_CASE("an engine that fails has others behind it, none takes too much workspace, and the list ends") {
  if (!cudnn_is_here()) return;
  const cudnn::Target target(described_gpus[1].properties());
  const cudnn::Convolution convolution{Direction::grad_x, {}, {32, 56, 56, 128}, {3, 3, 128, 32}};
  const Int limit = 1 << 20;
  cudnn::ConvolutionPlan plan(convolution, target, limit);
  int engines = 0;
  for (; plan.found(); plan.advance()) {
    CHECK(plan.workspace() <= limit);
    REQUIRE(++engines < 1000);
  }
  CHECK(engines > 1);
}

TEST_CASE("only where tf32 is asked for or loses nothing may f32 go through tensor cores") {
  if (!cudnn_is_here()) return;
  const cudnn::Target target(described_gpus[1].properties());
  cudnn::Convolution convolution{Direction::forward, {}, {32, 56, 56, 128}, {3, 3, 128, 128}};
  const std::string strict = cudnn::ConvolutionPlan(convolution, target, cudnn::workspace_limit).engine();
  for (const auto arithmetic : {Arithmetic::tf32, Arithmetic::rounded}) {
    convolution.arithmetic = arithmetic;
    CHECK(cudnn::ConvolutionPlan(convolution, target, cudnn::workspace_limit).engine() != strict);
  }
}
