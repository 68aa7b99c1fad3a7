#include "tests/cudnn_plans/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/cudnn_plans/devices.h"

namespace sonograd {
namespace {

constexpr double mebibyte = 1 << 20;

std::string heading(const std::string& first) {
  std::string line = "| " + first + " |", rule = "|---|";
  for (const DescribedGpu& gpu : described_gpus) {
    line += fmt::format(" {}, sm_{} |", gpu.name, gpu.capability / 10);
    rule += "---|";
  }
  return line + "\n" + rule + "\n";
}

std::string summary(const std::vector<Choice>& choices) {
  Int found = 0, most = 0;
  for (const Choice& choice : choices) {
    found += choice.found ? 1 : 0;
    most = std::max(most, choice.workspace);
  }
  return fmt::format("{} of {}, {:.0f} MiB", found, choices.size(), static_cast<double>(most) / mebibyte);
}

std::string cell(const Choice& choice) {
  if (!choice.found) return "none";
  if (choice.workspace == 0) return choice.engine;
  return fmt::format("{} · {:.2g}", choice.engine, static_cast<double>(choice.workspace) / mebibyte);
}

}  // namespace

std::string plans_in_markdown(const std::vector<Walked>& convolutions, const Choices& choices, Int workspace,
                              std::size_t cudnn_version) {
  std::string text = fmt::format(
      "cuDNN {}, at most {} MiB of workspace. Plans found and the largest workspace, for {} "
      "convolutions, each of 1, 7 and 32 images at addresses that divide by 4 and by 16 bytes:\n\n{}",
      cudnn_version, workspace >> 20, convolutions.size(), heading("numbers"));
  for (const auto& [policy, gpus] : choices) {
    text += fmt::format("| {} |", policy);
    for (const DescribedGpu& gpu : described_gpus)
      text += fmt::format(" {} |", summary(gpus.at(gpu.capability)));
    text += "\n";
  }
  text += fmt::format(
      "\nThe engines of f32 for 32 images and 16 bytes, by cuDNN's number, and their workspace in MiB "
      "where they take any:\n\n{}",
      heading("convolution"));
  for (std::size_t i = 0; i < convolutions.size(); ++i) {
    text += fmt::format("| {}: {} |", convolutions[i].model, convolutions[i].convolution.text());
    for (const DescribedGpu& gpu : described_gpus)
      text += fmt::format(" {} |", cell(choices.at("f32").at(gpu.capability)[i]));
    text += "\n";
  }
  return text;
}

}  // namespace sonograd
