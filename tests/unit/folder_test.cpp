#include "data/folder.h"

#include <doctest/doctest.h>

#include <map>

#include "base/file.h"
#include "data/images.h"
#include "data/png.h"
#include "data/resize.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A fresh folder of small pictures.
struct Folder {
  TemporaryFolder temporary;
  fs::path root = temporary.path;

  void add(const std::string& file, std::uint8_t shade, Int height = 6, Int width = 5) const {
    Image image(height, width);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      image.pixels[i] = static_cast<std::uint8_t>(shade + i);
    fs::create_directories((root / file).parent_path());
    write_png(root / file, image);
  }
  void add_text(const std::string& file, const std::string& text) const {
    fs::create_directories((root / file).parent_path());
    write_file_atomically(root / file, text);
  }
};

std::vector<std::string> files(const Dataset& data) {
  std::vector<std::string> result;
  for (const LabelledFile& sample : data.samples) result.push_back(sample.file);
  return result;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("files come class by class in byte order, without masks and other files") {
  Folder folder;
  folder.add("normal/b.png", 1);
  folder.add("malignant/a.JPG", 2);  // told by content, not by suffix
  for (const char* file : {"benign/benign (10).png", "benign/benign (2).png", "benign/Z.png"})
    folder.add(file, 3);
  folder.add("benign/benign (2)_mask.png", 4);
  folder.add("benign/benign (2)_mask_1.png", 4);
  folder.add_text("benign/Thumbs.db", "x");
  folder.add_text("readme.txt", "x");
  folder.add("benign/deeper/c.png", 5);
  folder.add(".hidden/c.png", 5);
  const Dataset data = list_folder(folder.root);
  CHECK(data.classes == Names{"benign", "normal", "malignant"});
  CHECK(files(data) == Names{"benign/Z.png", "benign/benign (10).png", "benign/benign (2).png",
                             "normal/b.png", "malignant/a.JPG"});
  CHECK(data.labels() == std::vector<Int>{0, 0, 0, 1, 2});
  CHECK(data.class_counts() == std::vector<Int>{3, 1, 1});
  CHECK(data.ignored == 1);
  CHECK(data.samples[0].sha256 == data.samples[1].sha256);
  CHECK(data.samples[0].sha256.size() == 64);

  const Dataset ordered = list_folder(folder.root, {"malignant", "normal", "benign"});
  CHECK(ordered.samples[0].file == "malignant/a.JPG");
  folder.add("normal/caf\xe9.png", 6);
  CHECK(error_of([&] { list_folder(folder.root); }).find("normal: a file's name is not UTF-8") !=
        std::string::npos);
  std::filesystem::remove(folder.root / "normal/caf\xe9.png");
  CHECK(data_hash(ordered) == data_hash(data));
  folder.add("normal/b.png", 9);
  CHECK(data_hash(list_folder(folder.root)) != data_hash(data));
  CHECK(has(
      error_of([&] {
        list_folder(folder.root, {"benign", "normal", "other"});
      }),
      "its class folders are benign,malignant,normal, but the classes asked for are benign,normal,other"));
}

TEST_CASE("other classes have the codes of their byte order") {
  Folder folder;
  for (const char* file : {"b/1.png", "a/1.png", "B/1.png"}) folder.add(file, 1);
  CHECK(list_folder(folder.root).classes == Names{"B", "a", "b"});
}

TEST_CASE("folders that cannot be used are named") {
  Folder folder;
  CHECK(has(error_of([&] { list_folder(folder.root / "none"); }), "cannot read folder"));
  folder.add("only/1.png", 1);
  CHECK(has(error_of([&] { list_folder(folder.root); }), "holds only one class folder, only; at least two"));
  folder.add_text("bare/notes.txt", "x");
  CHECK(has(error_of([&] { list_folder(folder.root); }), "bare: the class folder holds no images"));
  fs::remove_all(folder.root / "only");
  fs::remove_all(folder.root / "bare");
  CHECK(has(error_of([&] { list_folder(folder.root); }), "holds no class folder"));
  folder.add("benign/1.png", 1);
  fs::create_symlink("nowhere", folder.root / "malignant");
  CHECK(has(error_of([&] { list_folder(folder.root); }), "malignant: it is a link that leads nowhere"));
  fs::remove(folder.root / "malignant");
  for (const auto& [name, shown] : std::map<std::string, std::string>{
           {"a,b", "\"a,b\""}, {"a\nb", "\"a\\nb\""}, {"nor\xffmal", "\"nor\\ufffdmal\""}}) {
    folder.add(name + "/1.png", 2);
    CHECK(has(error_of([&] { list_folder(folder.root); }),
              ": class folder " + shown + ": its name must be UTF-8"));
    fs::remove_all(folder.root / name);
  }
}

TEST_CASE("bad files are listed, or left out on request") {
  Folder folder;
  folder.add("a/1.png", 1);
  folder.add("a/3.png", 3);
  folder.add("b/1.png", 5, 12, 10);
  folder.add_text("a/2.png", "no picture");
  fs::create_symlink("nowhere.png", folder.root / "a/4.png");
  Dataset data = list_folder(folder.root);
  REQUIRE(data.bad.size() == 1);
  CHECK(data.bad[0].file == "a/4.png");
  const std::string text = error_of([&] {
    Dataset copy = data;
    read_images(copy, 6, 5);
  });
  CHECK(has(text, "2 of 5 files are bad"));
  CHECK(has(text, "a/2.png (not a PNG, JPEG or BMP image)"));
  CHECK(has(text, "a/4.png (cannot read"));

  const ImageSet images = read_images(data, 6, 5, OnBadFile::skip);
  CHECK(files(data) == Names{"a/1.png", "a/3.png", "b/1.png"});
  REQUIRE(images.size() == 3);
  REQUIRE(images.content.size() == 3);
  CHECK(images.content[0].size() == 64);  // of a picture that kept its place
  CHECK(images.content[2].size() == 64);  // of one that moved up
  CHECK(images.content[0] != images.content[1]);
  CHECK(images.image(1)[7] == 3 + 7);
  Image large(12, 10);
  for (std::size_t i = 0; i < large.pixels.size(); ++i) large.pixels[i] = static_cast<std::uint8_t>(5 + i);
  const std::vector<std::uint8_t> small = resize_area(large, 6, 5).pixels;
  CHECK(std::equal(small.begin(), small.end(), images.image(2).begin()));

  const Tensor batch = batch_of(images, std::vector<Int>{2, 0});
  CHECK(batch.shape() == Shape{2, 6, 5, 3});
  CHECK(batch.data<float>()[4] == static_cast<float>(small[4]));
  CHECK(batch.data<float>()[6 * 5 * 3 + 89] == 90.0f);

  fs::remove(folder.root / "b/1.png");
  folder.add_text("b/1.png", "");
  Dataset without = list_folder(folder.root);
  CHECK(
      has(error_of([&] { read_images(without, 6, 5, OnBadFile::skip); }), "no image of class b can be read"));
}

TEST_CASE("an order list must name every image once") {
  Folder folder;
  for (const char* file : {"a/1.png", "a/2.png", "b/1.png"}) folder.add(file, 1);
  Dataset data = list_folder(folder.root);
  folder.add_text("order.txt", "a/2.png\r\nb/1.png\n\na/1.png");
  reorder(data, read_order(folder.root / "order.txt"));
  CHECK(files(data) == Names{"a/2.png", "b/1.png", "a/1.png"});
  CHECK(data.labels() == std::vector<Int>{0, 1, 0});
  CHECK(has(error_of([&] { reorder(data, {"a/1.png", "a/2.png"}); }), "leaves out 1 images"));
  CHECK(has(error_of([&] { reorder(data, {"a/1.png", "a/1.png", "b/1.png"}); }), "names a/1.png"));
}

TEST_CASE("paths to predict: files as given, folders walked in byte order") {
  Folder folder;
  for (const char* file : {"x/b.png", "x/a/1.png", "x/a.png", "x/a_mask.png"}) folder.add(file, 1);
  const std::string root = folder.root.string();
  const Names found = find_images({root + "/x/b.png", root});
  CHECK(found == Names{root + "/x/b.png", root + "/x/a.png", root + "/x/a/1.png", root + "/x/b.png"});
  // To be told as unreadable by whoever reads them: a name that nothing has, and a link to itself.
  CHECK(find_images({root + "/none"}) == Names{root + "/none"});
  fs::create_directories(folder.root / "loop");
  fs::create_symlink("itself.png", folder.root / "loop/itself.png");
  CHECK(find_images({root + "/loop"}) == Names{root + "/loop/itself.png"});
  CHECK(find_images({root + "/loop/itself.png"}) == Names{root + "/loop/itself.png"});
  fs::create_directories(folder.root / "empty");
  CHECK(has(error_of([&] { find_images({root + "/empty"}); }), "holds no images"));
}
