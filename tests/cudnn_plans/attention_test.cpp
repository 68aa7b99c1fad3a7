// Asks the real cuDNN, without a GPU, for plans of attention, which it compiles when they are made.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include "tests/cudnn_plans/here.h"
#include "tests/cudnn_plans/walk.h"

using namespace sonograd;
using cudnn::AttentionPlan;
using cudnn::FusedAttention;

namespace {

// cuDNN opens the driver by its name, and so finds the one that is open already: no_driver.cpp.
bool compiles_here() {
  static void* const driver = dlopen(NO_DRIVER, RTLD_NOW | RTLD_GLOBAL);
  if (!driver) MESSAGE("skipped: " << dlerror());
  return driver && cudnn_is_here();
}

}  // namespace

// On an A100, and the first shape on every GPU; SONOGRAD_FULL=1 adds all others, and f16.
TEST_CASE("the attention of the paper's models has a plan on every GPU from compute capability 8.0 on") {
  if (!compiles_here()) return;
  const std::vector<FusedAttention>& all = walk().attention;
  // Of Vision Transformers, whose last blocks have one query, in both directions: the paper's two, and
  // ViT-S/16.
  CHECK(all.size() == (asks_for_all() ? 12 : 8));
  for (const DescribedGpu& gpu : described_gpus) {
    const cudnn::Target target(gpu.properties());
    for (FusedAttention attention : all)
      for (const bool deterministic : {true, false}) {
        attention.deterministic = deterministic;
        const bool asked = gpu.capability == 800 || attention.key() == all[0].key();
        if (!(asked || asks_for_all()) || (!attention.backward && !deterministic)) continue;
        const AttentionPlan plan(attention, target);
        INFO(gpu.name << ": " << attention.text());
        CHECK(plan.found() == (gpu.capability >= 800));
        // Of the order in which dq is summed, a deterministic plan keeps P's gradient in 16 bits.
        const Int rows = attention.batch * attention.heads;
        CHECK(plan.workspace() <= 2 * rows * (attention.queries + 128) * (attention.tokens + 128));
      }
  }
}

TEST_CASE("attention has no plan for heads that do not divide by 8, too wide ones, or in f32") {
  if (!compiles_here()) return;
  const cudnn::Target target(described_gpus[1].properties());
  const auto found = [&](FusedAttention attention) { return AttentionPlan(attention, target).found(); };
  CHECK(found({true, 2, 3, 5, 7, 16}));
  CHECK(found({true, 2, 3, 5, 7, 128}));
  CHECK_FALSE(found({true, 2, 3, 5, 7, 20}));
  CHECK_FALSE(found({false, 2, 3, 5, 7, 20}));
  CHECK_FALSE(found({true, 2, 3, 5, 7, 136}));
  CHECK_FALSE(found({true, 2, 3, 5, 7, 16, Precision::full}));
}
