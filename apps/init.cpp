#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/model_flags.h"
#include "models/model_file.h"

namespace sonograd {
namespace {

struct Flags {
  ModelFlags model;
  std::string out;
};

int run(const Flags& flags, const SharedFlags& shared) {
  expect(!std::filesystem::is_regular_file(flags.out),
         "{} is there already; choose another file for fresh weights", flags.out);
  if (!flags.model.weights.empty()) throw UsageError("init draws fresh weights; it takes no --weights");
  const Model model = open_model(flags.model, shared, prepare_device(shared));
  save_model(model, flags.out);
  const nlohmann::ordered_json json{{"model", model.options().name},
                                    {"seed", shared.seed},
                                    {"tensors", model.parameters().size()},
                                    {"file", flags.out}};
  if (shared.json) print_json(json);
  return 0;
}

}  // namespace

void add_init(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add("init", "Fresh weights drawn from the seed",
                                      "  sonograd init --model aeganb3 --seed 7 --out fresh.safetensors",
                                      [flags, &program] { return run(*flags, program.shared); });
  add_model_flags(command, flags->model);
  command.get_option("--model").required();
  command.add_option("--out", flags->out, "file to write: " + weight_suffixes()).required();
  hide_flags(command, {"--batch-norm", "--attention", "--weights", "--partial", "--quiet"});
}

}  // namespace sonograd
