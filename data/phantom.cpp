#include "data/phantom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <mutex>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/philox.h"
#include "data/folder.h"
#include "data/png.h"

namespace sonograd {
namespace {

constexpr std::array<const char*, 3> class_names = {"benign", "normal", "malignant"};

// Gaussian weights with Σ w² = 1, so that filtered noise keeps its power.
std::vector<float> pulse(double sigma) {
  const Int reach = static_cast<Int>(std::ceil(2.5 * sigma));
  std::vector<float> weights;
  double power = 0;
  for (Int i = -reach; i <= reach; ++i) {
    const double weight = std::exp(-static_cast<double>(i * i) / (2 * sigma * sigma));
    weights.push_back(static_cast<float>(weight));
    power += weight * weight;
  }
  for (float& weight : weights) weight /= static_cast<float>(std::sqrt(power));
  return weights;
}

// out[i] = Σ_j w[j] · in[i + (j - reach)·step] along one axis; nothing beyond the borders
std::vector<float> filter(const std::vector<float>& in, Int size, const std::vector<float>& weights,
                          bool down) {
  const Int reach = static_cast<Int>(weights.size()) / 2;
  std::vector<float> out(in.size());
  for (Int y = 0; y < size; ++y)
    for (Int j = -reach; j <= reach; ++j) {
      const Int from = down ? y + j : y;
      if (from < 0 || from >= size) continue;
      const Int shift = down ? 0 : j;
      for (Int x = std::max<Int>(0, -shift); x < std::min(size, size - shift); ++x)
        out[y * size + x] += weights[j + reach] * in[from * size + x + shift];
    }
  return out;
}

std::vector<std::uint8_t> red_of(const Image& image) {
  std::vector<std::uint8_t> red;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) red.push_back(image.pixels[i]);
  return red;
}

}  // namespace

static void check_size(Int size) {
  expect(size >= 16 && size <= 4096, "a phantom has 16 to 4096 pixels a side, not {}", size);
}

// Scatterers: complex Gaussian noise times the amplitude of the echo that comes back through the tissue
// above. The probe's pulse (short along the depth, wide across) blurs it: its magnitude is speckle, Rayleigh
// distributed and correlated. The machine averages the power of a few looks (spatial compounding) and shows
// it in dB.
Phantom make_phantom(Int label, Int index, std::uint64_t seed, Int size) {
  expect(label >= 0 && label < 3, "a phantom's class is 0, 1 or 2, not {}", label);
  check_size(size);
  Tissue tissue = make_tissue(label, index, seed, size);
  const Random machine = Random(seed, "phantom machine").stream(std::to_string(label)).at(index);
  const auto setting = [&](Int which, double low, double high) {
    return low + (high - low) * machine.uniform(which);
  };
  const double brightness = setting(0, 0.22, 0.5);  // mean level that the operator turns the gain to
  const double range = setting(1, 46, 64);
  const double fading =
      setting(2, -2, 20);  // dB lost from top to bottom that the machine does not make up for
  const double pixel = static_cast<double>(size) / 256;
  const std::vector<float> along = pulse(std::max(0.5, setting(3, 0.7, 1.2) * pixel));
  const std::vector<float> across = pulse(std::max(0.6, setting(4, 1.2, 2.2) * pixel));
  const double noise = std::pow(10.0, setting(5, -54, -44) / 10);

  std::vector<float> amplitude(size * size);
  std::vector<double> lost(size);
  for (Int i = 0; i < size * size; ++i) {
    double& column = lost[i % size];
    column += (fading + tissue.loss[i]) / static_cast<double>(size);
    amplitude[i] = static_cast<float>(std::pow(10.0, (tissue.echo[i] - column) / 20));
  }

  constexpr int looks = 3;
  std::vector<float> power(size * size);
  for (int look = 0; look < looks; ++look) {
    const Random scatter =
        Random(seed, "phantom speckle").stream(fmt::format("{} {}", label, look)).at(index);
    std::array<std::vector<float>, 2> parts;  // the complex field's
    for (std::vector<float>& field : parts) field.resize(size * size);
    for (Int i = 0; i < size * size; ++i) {
      const std::array<double, 2> scatterer = scatter.normals(i);
      for (int part = 0; part < 2; ++part)
        parts[part][i] = amplitude[i] * static_cast<float>(scatterer[part]);
    }
    for (std::vector<float>& field : parts) {
      field = filter(filter(field, size, along, true), size, across, false);
      for (Int i = 0; i < size * size; ++i) power[i] += field[i] * field[i] / (2 * looks);
    }
  }

  Phantom phantom{Image(size, size), std::move(tissue.mask)};
  double mean = 0;
  for (float& value : power) {
    value = static_cast<float>(10 * std::log10(value + noise));
    mean += value / static_cast<double>(size * size);
  }
  for (Int i = 0; i < size * size; ++i) {
    const double level = 255 * (brightness + (power[i] - mean) / range);
    std::fill_n(phantom.image.pixels.begin() + 3 * i, 3,
                static_cast<std::uint8_t>(std::clamp(level, 0.0, 255.0)));
  }
  return phantom;
}

void write_phantoms(const std::filesystem::path& folder, Int count, std::uint64_t seed, Int size,
                    const std::function<void(Int done)>& progress) {
  expect(count >= 3, "{} phantoms cannot fill three classes; ask for 3 or more", count);
  check_size(size);
  for (Int label = 0; label < 3; ++label) {
    const std::string name = class_names[label];
    const Int in_class = (count + 2 - label) / 3;
    if (!std::filesystem::is_directory(folder / name)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder / name)) {
      const std::string file = entry.path().filename().string();
      bool ours = !is_image_name(file);
      for (Int i = 1; i <= in_class && !ours; ++i) ours = file == fmt::format("{} ({}).png", name, i);
      expect(ours, "{} holds other images ({}); choose an empty folder", (folder / name).string(), file);
    }
  }
  for (const char* name : class_names) make_folder(folder / name);
  std::vector<std::exception_ptr> failures(count);
  std::mutex counting;
  Int done = 0;
  parallel_for(count, 1, [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) {
      const std::string name = class_names[i % 3];
      try {
        const Phantom phantom = make_phantom(i % 3, i / 3 + 1, seed, size);
        write_png_grey(folder / name / fmt::format("{} ({}).png", name, i / 3 + 1), size, size,
                       red_of(phantom.image));
        write_png_grey(folder / name / fmt::format("{} ({})_mask.png", name, i / 3 + 1), size, size,
                       phantom.mask);
        const std::lock_guard lock(counting);
        if (progress) progress(++done);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace sonograd
