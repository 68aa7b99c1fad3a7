#pragma once
#include <optional>

#include "apps/command.h"
#include "data/duplicates.h"

namespace sonograd {

// What `experiment table1` … `all` are told; 0 where the profile decides.
struct ExperimentFlags {
  std::string data, out, profile = "quick", protocol = "grouped", weights_folder, dtype = "f32";
  std::string pooling, transfer, order, on_bad_file = "fail";  // as `train` takes them
  int tensorflow = 1;                                          // as `gan train` takes it
  std::vector<std::string> models;                             // of the paper; empty: all of the table's
  Int image_size = 0, epochs = 0, gan_steps = 0;
  bool dry_run = false;
};

// How much of the protocol is run.
struct Profile {
  std::string name;
  Int image_size, epochs, enlarged_epochs;  // the latter for the arms that add images
  Int patience, batch, gan_image_size, gan_steps;
  double gan_width;
  std::optional<double> norm_momentum;  // the layers' own
  Int target, step;                     // of the arms, see data/arms.h
  bool small_models;                    // each family's smallest member stands in for the paper's model
};
// `largest_class`: images; smoke's arms grow towards twice as many. Throws UsageError for another name.
Profile profile_of(const ExperimentFlags& flags, Int largest_class);

// A model on a data set: a row of Tables I to IV, or two where there are two phases.
struct Row {
  std::string model, arm;  // as the paper's tables call them
  std::string trained;     // the model that is trained in its place; most often the same
  std::string weights;     // of its base; empty: from random weights
};

// The rows of table1 … table4 or of all of them, each once.
std::vector<Row> rows_of(const std::string& table, const ExperimentFlags& flags, const Profile& profile);
std::string folder_of(const ExperimentFlags& flags, const Row& row);

// Seconds that the table's runs take at most on the two cores of docs/performance.md, finished rows left out.
double estimated_seconds(const std::vector<Row>& rows, const ExperimentFlags& flags, const Profile& profile,
                         const Dataset& data);

// Trains the row, or goes on with it, or finds it finished. `known`: see look_once in folder.h.
void train_row(const Row& row, const ExperimentFlags& flags, const Profile& profile, KnownGroups& known,
               Program& program);

// Trains a GAN for every class that the arm adds pictures to, and draws them; what is there is left as it is.
void make_generated(const ExperimentFlags& flags, const Profile& profile, KnownGroups& known,
                    Program& program);

}  // namespace sonograd
