#include "report/compare.h"

#include "apps/command.h"

namespace sonograd {

void add_compare(Program& program) {
  const auto all = std::make_shared<bool>(false);
  const auto runs = std::make_shared<std::vector<std::string>>();
  const Command command =
      program.add("compare", "What differs between two runs, in settings and in results",
                  "  sonograd compare run-a run-b", [runs, all, &program] {
                    const RunComparison comparison = compare_runs((*runs)[0], (*runs)[1]);
                    fmt::print("{}\n", program.shared.json ? comparison.json() : comparison.text(*all));
                    return 0;
                  });
  command.add_option("runs", *runs, "two run folders").required().expected(2, 2).once();
  command.add_flag("--all", *all, "also the results that do not differ");
  hide_flags(command, {"--device", "--threads", "--seed", "--keras", "--quiet"});
}

}  // namespace sonograd
