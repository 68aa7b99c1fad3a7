#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "base/philox.h"
#include "data/phantom.h"

// Places are in units of the image's side: x from the left, y from the probe.

namespace sonograd {
namespace {

constexpr double pi = 3.14159265358979323846;

struct Dice {
  Random random;
  Int drawn = 0;
  double between(double low, double high) { return low + (high - low) * random.uniform(drawn++); }
};

double smooth_step(double x) {
  x = std::clamp(x, 0.0, 1.0);
  return x * x * (3 - 2 * x);
}

double bell(double distance, double width) {
  return std::exp(-distance * distance / (width * width));
}

// A smooth random plane around 0 with variance about 1: Σ cos(2π(fx·x + fy·y) + phase), by cos(a + b) row by
// row.
std::vector<float> texture(Dice& dice, Int size, double cycles_x, double cycles_y) {
  constexpr int waves = 10;
  std::vector<float> plane(size * size);
  std::vector<float> cosine(size);
  std::vector<float> sine(size);
  for (int wave = 0; wave < waves; ++wave) {
    const double step_x = 2 * pi * cycles_x * dice.between(-1, 1) / static_cast<double>(size);
    const double step_y = 2 * pi * cycles_y * dice.between(-1, 1) / static_cast<double>(size);
    const double phase = dice.between(0, 2 * pi);
    for (Int x = 0; x < size; ++x) {
      cosine[x] = static_cast<float>(std::cos(step_x * static_cast<double>(x)) * std::sqrt(2.0 / waves));
      sine[x] = static_cast<float>(std::sin(step_x * static_cast<double>(x)) * std::sqrt(2.0 / waves));
    }
    for (Int y = 0; y < size; ++y) {
      const auto c = static_cast<float>(std::cos(step_y * static_cast<double>(y) + phase));
      const auto s = static_cast<float>(std::sin(step_y * static_cast<double>(y) + phase));
      for (Int x = 0; x < size; ++x) plane[y * size + x] += c * cosine[x] - s * sine[x];
    }
  }
  return plane;
}

// A closed outline around a centre: inside where depth() > 0, which is about the distance to the edge.
struct Outline {
  double x, y, half_width, half_height, turn;
  std::vector<std::array<double, 3>> lobes;   // amplitude, count, phase
  std::vector<std::array<double, 3>> spikes;  // length, direction, width

  double depth(double at_x, double at_y) const {
    const double dx = (at_x - x) * std::cos(turn) + (at_y - y) * std::sin(turn);
    const double dy = (at_y - y) * std::cos(turn) - (at_x - x) * std::sin(turn);
    const double radius = std::hypot(dx / half_width, dy / half_height);
    const double angle = std::atan2(dy / half_height, dx / half_width);
    double edge = 1;
    for (const auto& [amplitude, count, phase] : lobes) edge += amplitude * std::cos(count * angle + phase);
    for (const auto& [length, direction, width] : spikes)
      edge += length * bell(std::remainder(angle - direction, 2 * pi), width);
    return (edge - radius) * std::min(half_width, half_height);
  }
};

Outline benign_outline(Dice& dice) {
  const double half_width = dice.between(0.12, 0.22);
  Outline outline{dice.between(0.18, 0.82),
                  dice.between(0.28, 0.7),
                  half_width,
                  half_width * dice.between(0.5, 0.8),
                  dice.between(-0.3, 0.3),
                  {},
                  {}};
  for (double count = 2; count <= 3; ++count)
    outline.lobes.push_back({dice.between(0, 0.05), count, dice.between(0, 2 * pi)});
  return outline;
}

Outline malignant_outline(Dice& dice) {
  const double half_width = dice.between(0.10, 0.17);
  Outline outline{dice.between(0.18, 0.82),
                  dice.between(0.28, 0.7),
                  half_width,
                  half_width * dice.between(0.85, 1.3),
                  dice.between(-0.5, 0.5),
                  {},
                  {}};
  for (double count = 2; count <= 5; ++count)
    outline.lobes.push_back({dice.between(0.03, 0.12), count, dice.between(0, 2 * pi)});
  const int spikes = static_cast<int>(dice.between(8, 15));
  for (int i = 0; i < spikes; ++i) {
    const double length = dice.between(0.3, 0.9);
    outline.spikes.push_back(
        {length * length, 2 * pi * (i + dice.between(-0.4, 0.4)) / spikes, dice.between(0.07, 0.17)});
  }
  return outline;
}

Outline fat_lobule(Dice& dice) {
  const double half_width = dice.between(0.10, 0.24);
  Outline outline{dice.between(0.1, 0.9),
                  dice.between(0.3, 0.75),
                  half_width,
                  half_width * dice.between(0.22, 0.42),
                  dice.between(-0.25, 0.25),
                  {},
                  {}};
  outline.lobes.push_back({dice.between(0.05, 0.15), 2, dice.between(0, 2 * pi)});
  return outline;
}

// Skin, fat and gland with bright strands, fascia and muscle: echo strength in dB.
struct Layers {
  double skin, fat, muscle, fat_echo, gland_echo, gland_mix, gland_strands, fat_strands;
  std::vector<float> boundary, strands, fine_strands, gland, striae;

  Layers(Dice& dice, Int size)
      : skin(dice.between(0.02, 0.05)),
        fat(dice.between(0.10, 0.30)),
        muscle(dice.between(0.72, 1.1)),
        fat_echo(dice.between(-15, -8)),
        gland_echo(dice.between(-6, 0)),
        gland_mix(dice.between(1.0, 3.5)),
        gland_strands(dice.between(0, 11)),
        fat_strands(dice.between(6, 14)),
        boundary(texture(dice, size, 1.8, 0)),
        strands(texture(dice, size, 1.8, 5)),
        fine_strands(texture(dice, size, 4, 12)),
        gland(texture(dice, size, 4, 9)),
        striae(texture(dice, size, 1.5, 40)) {}

  double echo(Int i, double y) const {
    const double fat_end = fat + 0.03 * boundary[i];
    const double fascia = muscle - 0.015 * boundary[i];
    const double in_gland = smooth_step((y - fat_end) / 0.02 + 0.5);
    const double in_muscle = smooth_step((y - fascia) / 0.015 + 0.5);
    const double fat_tissue = fat_echo + fat_strands * bell(strands[i], 0.12);
    const double gland_tissue =
        gland_echo + gland_mix * gland[i] +
        gland_strands * (bell(strands[i], 0.15) + 0.7 * bell(fine_strands[i], 0.2) - 0.3);
    const double muscle_tissue = -11 + 3.5 * striae[i];
    double result = fat_tissue + (gland_tissue - fat_tissue) * in_gland;
    result += (muscle_tissue - result) * in_muscle;
    result += 7 * bell(y - fat_end, 0.008) + 9 * bell(y - fascia, 0.009);
    const double in_skin = smooth_step((skin - y) / 0.006 + 0.5);
    return result + (2 - result) * in_skin + 4 * bell(y - skin, 0.006);
  }
};

// A ligament that throws a narrow shadow.
struct Shadow {
  double x, y, width, slope, loss;
  double at(double at_x, double at_y) const {
    return at_y < y ? 0 : loss * bell(at_x - x - slope * (at_y - y), width * (0.6 + at_y - y));
  }
};

}  // namespace

Tissue make_tissue(Int label, Int index, std::uint64_t seed, Int size) {
  Dice dice{Random(seed, "phantom tissue").stream(std::to_string(label)).at(index)};
  const bool benign = label == 0;
  const bool lesion = label != 1;
  const Layers layers(dice, size);
  const std::vector<float> inside = texture(dice, size, 7, 7);
  const std::vector<float> warp_x = texture(dice, size, 5, 5);
  const std::vector<float> warp_y = texture(dice, size, 5, 5);
  const std::vector<float> contact = texture(dice, size, 1.2, 0);
  const double contact_loss = dice.between(0, 9);
  const Outline outline = benign ? benign_outline(dice) : malignant_outline(dice);
  const double lesion_echo = benign ? dice.between(-27, -18) : dice.between(-25, -17);
  const double lesion_mix = benign ? dice.between(0.2, 1.5) : dice.between(1.5, 4.0);
  const double warp = benign ? dice.between(0, 0.006) : dice.between(0.01, 0.025);
  const double edge = benign ? dice.between(0.008, 0.02) : dice.between(0.015, 0.04);
  const double rim = benign ? dice.between(1, 7) : dice.between(0, 4);
  const double lesion_loss = benign ? dice.between(-40, -5) : dice.between(18, 65);

  std::vector<Outline> lobules(static_cast<std::size_t>(dice.between(0, 2.2) + (lesion ? 0 : 1)));
  for (Outline& lobule : lobules) lobule = fat_lobule(dice);
  const double lobule_echo = dice.between(-14, -8);
  std::vector<Shadow> shadows(static_cast<std::size_t>(dice.between(0, label == 2 ? 2 : 3)));
  for (Shadow& shadow : shadows)
    shadow = {dice.between(0, 1), dice.between(0.1, 0.35), dice.between(0.02, 0.12),
              dice.between(-0.25, 0.25), dice.between(8, 30)};

  Tissue tissue{std::vector<float>(size * size), std::vector<float>(size * size),
                std::vector<std::uint8_t>(size * size)};
  for (Int i = 0; i < size * size; ++i) {
    const double x = (static_cast<double>(i % size) + 0.5) / static_cast<double>(size);
    const double y = (static_cast<double>(i / size) + 0.5) / static_cast<double>(size);
    const double bent_x = x + warp * warp_x[i];
    const double bent_y = y + warp * warp_y[i];
    double echo = layers.echo(i, y);
    double loss = contact_loss * contact[i];
    for (const Outline& lobule : lobules) {
      const double depth = lobule.depth(bent_x, bent_y);
      echo += (lobule_echo - echo) * smooth_step(depth / 0.02 + 0.5) + 5 * bell(depth, 0.012);
    }
    for (const Shadow& shadow : shadows) loss += shadow.at(x, y);
    if (lesion) {
      const double depth = outline.depth(bent_x, bent_y);
      const double part = smooth_step(depth / edge + 0.5);
      echo += (lesion_echo + lesion_mix * inside[i] - echo) * part + rim * bell(depth + 0.006, 0.012);
      loss += lesion_loss * part;
      tissue.mask[i] = depth > 0 ? 255 : 0;
    }
    tissue.echo[i] = static_cast<float>(echo);
    tissue.loss[i] = static_cast<float>(loss);
  }
  return tissue;
}

}  // namespace sonograd
