#include "report/compare.h"

#include "apps/command.h"

namespace sonograd {

void add_compare(Program& program) {
  const auto runs = std::make_shared<std::vector<std::string>>();
  auto& command =
      program.add("compare", "What differs between two runs, in settings and in results",
                  "  sonograd compare run-a run-b", [runs, &program] {
                    const RunComparison comparison = compare_runs((*runs)[0], (*runs)[1]);
                    fmt::print("{}\n", program.shared.json ? comparison.json() : comparison.text());
                    return 0;
                  });
  command.add_option("runs", *runs, "two run folders")->required()->expected(2);
}

}  // namespace sonograd
