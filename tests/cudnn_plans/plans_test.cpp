// Asks the real cuDNN, without a GPU, for the plans that our code would run.
#include <doctest/doctest.h>

#include <array>
#include <set>

#include "base/file.h"
#include "tensor/gpu/cudnn.h"
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

// Images of a batch, and bytes by which addresses divide: those of the table's engines first.
struct Use {
  Int images = 32, alignment = 16;
};
constexpr std::array<Use, 6> uses{{{}, {32, 4}, {1, 16}, {1, 4}, {7, 16}, {7, 4}}};

void choose(const std::vector<Walked>& convolutions, const DescribedGpu& gpu, const Policy& policy,
            const Use& use, std::vector<Choice>& choices) {
  const cudnn::Target target(gpu.properties());
  for (const Walked& walked : convolutions) {
    cudnn::Convolution convolution = walked.convolution;
    convolution.x[0] = use.images;
    convolution.alignment = use.alignment;
    convolution.arithmetic = policy.arithmetic;
    convolution.deterministic = policy.deterministic;
    const cudnn::ConvolutionPlan plan(convolution, target, cudnn::workspace_limit);
    INFO(gpu.name << ", " << policy.name << ": " << walked.model << ": " << convolution.text()
                  << ", alignment " << use.alignment);
    CHECK(plan.found());
    CHECK(plan.workspace() <= cudnn::workspace_limit);
    choices.push_back({plan.found(), plan.engine(), plan.workspace()});
  }
}

void write_table(const std::string& text) {
  const std::string page = SONOGRAD_SOURCE_DIR "/docs/gpu.md", whole = read_file(page);
  const std::string begin = "<!-- written by cudnn_plans_tests -->\n", end = "<!-- end of what it wrote -->";
  const std::size_t from = whole.find(begin), to = whole.find(end);
  REQUIRE(from < to);
  write_file_atomically(page, whole.substr(0, from + begin.size()) + text + whole.substr(to));
}

}  // namespace

// For 32 images in f32 on every GPU and with every policy on an A100. SONOGRAD_FULL=1 adds the models that
// are large and not the paper's, and every use with every policy on every GPU; SONOGRAD_WRITE_PLANS=1 writes
// the table of it.
TEST_CASE("every convolution of the models and of the GAN has a plan on every GPU") {
  if (!cudnn_is_here()) return;
  const std::vector<Walked>& convolutions = walk().convolutions;
  CHECK(convolutions.size() > 100);
  Choices choices;
  for (const Policy& policy : policies)
    for (const DescribedGpu& gpu : described_gpus)
      for (const Use& use : uses)
        if (asks_for_all() ||
            (&use == &uses[0] && (policy.arithmetic == Arithmetic::f32 || gpu.capability == 800)))
          choose(convolutions, gpu, policy, use, choices[policy.name][gpu.capability]);
  if (writes_table())
    write_table(
        plans_in_markdown(convolutions, choices, cudnn::workspace_limit, cudnn::functions().version()));
}

// Each convolution of the op's samples once, so that what the op suite runs on a GPU is asked for here too.
static std::vector<cudnn::Convolution> sampled_convolutions() {
  std::vector<cudnn::Convolution> found;
  std::set<std::vector<Int>> keys;
  for (const Sample& sample : registry().at(Conv2d::name).good) {
    const auto& conv = *static_cast<const Conv2d*>(sample.op->attributes());
    for (const auto direction : {Direction::forward, Direction::grad_x, Direction::grad_w}) {
      const cudnn::Convolution of{direction, conv, sample.inputs[0].shape, sample.inputs[1].shape};
      if (keys.insert(of.key()).second) found.push_back(of);
    }
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
