#include "apps/model_flags.h"
#include "models/model_file.h"

namespace sonograd {

void add_init(Program& program) {
  struct Flags {
    ModelFlags model;
    std::string out;
  };
  const auto flags = std::make_shared<Flags>();
  auto& command = program.add(
      "init", "Fresh weights drawn from the seed",
      "  sonograd init --model aeganb3 --seed 7 --out fresh.safetensors", [flags, &program] {
        if (!flags->model.weights.empty())
          throw UsageError("init draws fresh weights; it takes no --weights");
        save_model(open_model(flags->model, program.shared, prepare_device(program.shared)), flags->out);
        return 0;
      });
  add_model_flags(command, flags->model);
  command.get_option("--model")->required();
  command.add_option("--out", flags->out, "safetensors file to write")->required();
}

}  // namespace sonograd
