#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "models/weights/element_type.h"
#include "models/weights/npz.h"

namespace sonograd {
namespace {

constexpr std::string_view suffix = ".npy", magic = "\x93NUMPY";

// The literal of a dictionary as NumPy writes it, read word by word. Anything else throws an Error.
class Literal {
 public:
  explicit Literal(std::string_view text) : rest(text) {}

  bool take(char symbol) {
    skip_space();
    if (rest.empty() || rest.front() != symbol) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(char symbol) { expect(take(symbol), "a '{}' is missing in its header", symbol); }
  std::string_view text() {
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'') need('\'');
    const std::size_t end = rest.find(quote);
    expect(end != std::string_view::npos, "a text in its header has no end");
    return cut(end, 1);
  }
  std::string_view word() {
    skip_space();
    return cut(std::min(rest.find_first_of(" ,}"), rest.size()), 0);
  }
  Int number() {
    skip_space();
    Int value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    expect(error == std::errc() && value >= 0, "a size in its header is no number");
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return value;
  }
  bool done() {
    skip_space();
    return rest.empty();
  }

 private:
  void skip_space() { rest.remove_prefix(std::min(rest.find_first_not_of(" \n"), rest.size())); }
  std::string_view cut(std::size_t length, std::size_t after) {
    const std::string_view part = rest.substr(0, length);
    rest.remove_prefix(length + after);
    return part;
  }

  std::string_view rest;
};

struct Header {
  ElementType type = ElementType::f32;
  Shape shape;
};

std::string tensor_name(const ZipReader::Member& member) {
  return member.name.substr(0, member.name.size() - suffix.size());
}

Shape read_shape(Literal& literal) {
  Shape shape;
  literal.need('(');
  while (!literal.take(')')) {
    expect(shape.rank() < Shape::max_rank, "it has more than the {} axes that are read", Shape::max_rank);
    shape.push_back(literal.number());
    if (!literal.take(',')) {
      literal.need(')');
      break;
    }
  }
  return shape;
}

ElementType npy_type(std::string_view descr) {
  if (descr == "<f4") return ElementType::f32;
  if (descr == "<f8") return ElementType::f64;
  if (descr == "<f2") return ElementType::f16;
  expect(descr == "<i8", "it has dtype {}, which is not read (<f2 <f4 <f8 <i8 are); save it as float32",
         printable(descr));
  return ElementType::i64;
}

Header parse(std::string_view text) {
  Literal literal(text);
  Header header;
  int type = 0, order = 0, shape = 0;  // how often each was met
  literal.need('{');
  while (!literal.take('}')) {
    const std::string_view key = literal.text();
    literal.need(':');
    if (key == "descr") {
      ++type;
      header.type = npy_type(literal.text());
    } else if (key == "fortran_order") {
      ++order;
      expect(literal.word() == "False",
             "its elements are in Fortran's order; save numpy.ascontiguousarray of it");
    } else {
      expect(key == "shape", "its header names {}", printable(key));
      ++shape;
      header.shape = read_shape(literal);
    }
    if (!literal.take(',')) {
      literal.need('}');
      break;
    }
  }
  expect(literal.done() && type == 1 && order == 1 && shape == 1,
         "its header does not say type, order and shape once each");
  return header;
}

// A member's header, with `stream` left at its first element.
Header read_header(ZipStream& stream, Int member_bytes) {
  constexpr Int longest = 1 << 16;
  expect(member_bytes >= 12, "{} bytes are too few for a header; {}", member_bytes, damaged);
  char start[8];
  stream.read(start, sizeof start);
  expect(std::string_view(start, magic.size()) == magic, "it does not begin as a .npy does; {}", damaged);
  const int version = static_cast<unsigned char>(start[6]), length_bytes = version == 1 ? 2 : 4;
  expect(1 <= version && version <= 3, "it has version {} of .npy, 1 to 3 are read; save it again", version);
  std::uint32_t length = 0;
  stream.read(&length, length_bytes);
  const Int before = static_cast<Int>(sizeof start) + length_bytes;
  expect(length <= longest && before + length <= member_bytes,
         "its header of {} bytes is longer than the member or {}; {}", length, longest, damaged);
  std::string text(length, '\0');
  stream.read(text.data(), length);
  Header header = parse(text);
  const std::optional<Int> bytes = header.shape.counted(size_of(header.type));
  expect(bytes.has_value(), "its shape overflows; {}", damaged);
  const Int there = member_bytes - before - length;
  expect(there == *bytes, "{} {} needs {} bytes, {} are there; {}", name_of(header.type), header.shape.text(),
         *bytes, there, damaged);
  return header;
}

// Reads a member of the archive; errors say which.
auto in_member(const ZipReader& archive, const ZipReader::Member& member, auto read) try {
  ZipStream stream = archive.open(member);
  const Header header = read_header(stream, member.bytes);
  return read(header, stream);
} catch (Error& error) {
  error.prepend(fmt::format("tensor {}: ", printable(tensor_name(member))));
  throw;
}

// What is no comment of ours says nothing.
Facts facts_in(const std::string& comment) {
  Facts facts;
  const auto json = nlohmann::json::parse(comment, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("sonograd") || !json["sonograd"].is_object()) return facts;
  for (const auto& [key, value] : json["sonograd"].items())
    if (value.is_string()) facts[key] = value.get<std::string>();
  return facts;
}

}  // namespace

void read_npz(const std::shared_ptr<const ZipReader>& archive, WeightFile& into) {
  into.format = WeightFormat::npz;
  into.facts = facts_in(archive->comment());
  for (const ZipReader::Member& member : archive->members()) {
    expect(member.name.ends_with(suffix), "its member {} is no .npy; write it with numpy.savez",
           printable(member.name));
    into.tensors.push_back(in_member(*archive, member, [&](const Header& header, ZipStream&) {
      return StoredTensor{tensor_name(member), header.shape, header.type, {}};
    }));
    into.tensors.back().read = [archive, &member, path = into.path] {
      try {
        return in_member(*archive, member, [](const Header& header, ZipStream& stream) {
          Tensor value = decode(header.type, header.shape, [&](void* elements) {
            stream.read(elements, header.shape.elements() * size_of(header.type));
          });
          stream.finish();
          return value;
        });
      } catch (Error& error) {
        error.prepend(fmt::format("cannot read {}: ", path.string()));
        throw;
      }
    };
  }
}

}  // namespace sonograd
