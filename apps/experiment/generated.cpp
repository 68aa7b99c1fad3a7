#include "apps/experiment/folder.h"
#include "apps/experiment/rows.h"
#include "apps/gan.h"
#include "apps/split_flags.h"
#include "base/file.h"
#include "data/arms.h"
#include "data/protocol.h"

namespace sonograd {

namespace fs = std::filesystem;

void make_generated(const ExperimentFlags& flags, const Profile& profile, KnownGroups& known,
                    Program& program) {
  const fs::path out = flags.out, split = out / "gan" / "split.json";
  const Dataset folder = list_folder(flags.data);
  if (flags.protocol == "grouped" && !fs::exists(split)) {
    make_folder(split.parent_path());
    SplitFlags options;
    options.order = flags.order;
    options.on_bad_file = flags.on_bad_file;
    look_once(known, options, flags.data, program.shared);
    const PreparedData data = prepare(folder, 32, protocol_options(options, program.shared, Keras::v3));
    write_split(split, data.folder, data.split);
  }
  const std::vector<Int> counts = folder.class_counts();
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const Int wanted = generated_images(counts[c], profile.target, profile.step);
    const fs::path pictures = out / "generated" / folder.classes[c];
    if (wanted == 0 || fs::exists(pictures / "lineage.json")) continue;
    GanFlags gan;
    gan.data = flags.data;
    gan.class_name = folder.classes[c];
    gan.out = (out / "gan" / folder.classes[c]).string();
    if (flags.protocol == "grouped") gan.split = split.string();
    gan.on_bad_file = flags.on_bad_file;
    gan.tensorflow = flags.tensorflow;
    gan.gan.networks.image_size = profile.gan_image_size;
    gan.gan.networks.width = profile.gan_width;
    gan.gan.steps = profile.gan_steps;
    gan.gan.resume = true;
    train_class_gan(gan, program);
    write_generated(gan.out, pictures.string(), wanted, program.shared);
  }
}

}  // namespace sonograd
