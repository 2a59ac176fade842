#include "tools/portrait/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/asset/character_file.h"
#include "engine/asset/picture_file.h"
#include "engine/core/text.h"
#include "engine/render/renderer.h"
#include "tools/portrait/poses.h"
#include "tools/report/canvas.h"

namespace understudy::portrait {
namespace {

namespace fs = std::filesystem;
using report::Canvas;
using report::Colour;

constexpr std::uint32_t kLabelHeight_px = 54, kRefusalHeight_px = 88, kGap_px = 10, kMaxCells = 400;
constexpr float kShownHeight = 1.8f;
constexpr Colour kGround{24, 26, 30}, kCell{38, 41, 47}, kName{232, 234, 238},
    kDetail{158, 164, 174}, kRefused{240, 168, 104};

/// One character of the sheet, or why there is none.
struct Cell {
  std::string name, detail, refusal;
  std::vector<std::uint8_t> rgba;  ///< Of the settings' size; empty if there is a refusal.
};

bool looksLikeCharacter(const fs::path& path) {
  static constexpr std::string_view kKinds[] = {".glb", ".gltf", ".vrm", ".vrma",  ".fbx",
                                                ".dae", ".obj",  ".usd", ".mhskel"};
  const std::string kind = core::extensionOf(path);
  return std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds);
}

core::Result<std::vector<fs::path>> filesOf(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const fs::path path : paths) {
    std::error_code failure;
    if (!fs::is_directory(path, failure)) {
      if (!fs::exists(path, failure)) {
        return core::makeError(path.string() + ": does not exist; name a file or a folder");
      }
      files.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (fs::recursive_directory_iterator at(path, failure), end; !failure && at != end;
         at.increment(failure)) {
      if (at->is_regular_file(failure) && looksLikeCharacter(at->path())) {
        found.push_back(at->path());
      }
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  if (files.empty()) return core::makeError("no characters there; name files or a folder of them");
  if (files.size() > kMaxCells) {
    return core::makeError(fmt::format("{} characters are more than {} on one sheet; name fewer",
                                       files.size(), kMaxCells));
  }
  return files;
}

struct Box {
  glm::vec3 low{1e30f}, high{-1e30f};
};

Box boxOf(const scene::Character& character, const std::vector<glm::mat4>& palette) {
  Box box;
  for (const scene::Mesh& mesh : character.meshes) {
    for (const scene::Vertex& vertex : mesh.vertices) {
      glm::vec4 at(0.0f);
      for (int k = 0; k < 4; ++k) {
        at += vertex.weights[k] * (palette[vertex.joints[k]] * glm::vec4(vertex.position, 1.0f));
      }
      box.low = glm::min(box.low, glm::vec3(at));
      box.high = glm::max(box.high, glm::vec3(at));
    }
  }
  return box;
}

/// The camera that just holds the box, from a little to the side and above.
scene::View viewOf(const Box& box, float aspect) {
  scene::View view{.vertical_fov = glm::radians(28.0f)};
  view.target = 0.5f * (box.low + box.high);
  const glm::vec3 toward = glm::normalize(glm::vec3(0.42f, 0.16f, 1.0f));
  const glm::vec3 right = glm::normalize(glm::cross(glm::vec3(0, 1, 0), toward));
  const glm::vec3 up = glm::cross(toward, right);
  const float tangent = std::tan(0.5f * view.vertical_fov) * 0.90f;
  float distance = 0.5f;
  for (int corner = 0; corner < 8; ++corner) {
    const glm::vec3 d =
        glm::vec3(corner & 1 ? box.high.x : box.low.x, corner & 2 ? box.high.y : box.low.y,
                  corner & 4 ? box.high.z : box.low.z) -
        view.target;
    const float across = std::max(std::abs(glm::dot(d, right)) / aspect, std::abs(glm::dot(d, up)));
    distance = std::max(distance, glm::dot(d, toward) + across / tangent);
  }
  view.eye = view.target + toward * distance;
  return view;
}

core::Result<std::vector<std::uint8_t>> renderCell(gpu::Device& device,
                                                   const SheetSettings& settings,
                                                   const scene::Character& character) {
  auto palette = posedPalette(character, settings.pose);
  if (!palette) return palette.error();
  Box box = boxOf(character, *palette);
  const glm::vec3 extent = box.high - box.low;
  const float scale = kShownHeight / std::max({extent.x, extent.y, extent.z, 1e-6f});
  const glm::vec3 middle(0.5f * (box.low.x + box.high.x), box.low.y,
                         0.5f * (box.low.z + box.high.z));
  glm::mat4 place(scale);
  place[3] = glm::vec4(-scale * middle, 1.0f);
  for (glm::mat4& matrix : *palette) matrix = place * matrix;
  box = {scale * (box.low - middle), scale * (box.high - middle)};
  const render::Quality quality = settings.quality == "low"      ? render::Quality::low
                                  : settings.quality == "medium" ? render::Quality::medium
                                                                 : render::Quality::high;
  auto renderer = render::Renderer::create(device, {.width_px = settings.cell_width_px,
                                                    .height_px = settings.cell_height_px,
                                                    .quality = render::qualitySettings(quality)});
  if (!renderer) return renderer.error();
  auto model = (*renderer)->addModel(character);
  if (!model) return model.error();
  const render::ModelId cast[] = {*model};
  if (auto done = (*renderer)->setCast(cast); !done) return done.error();
  const std::span<const glm::mat4> palettes[] = {*palette};
  const float aspect =
      static_cast<float>(settings.cell_width_px) / static_cast<float>(settings.cell_height_px);
  auto image =
      (*renderer)->render({.sequence = 0, .view = viewOf(box, aspect), .palettes = palettes},
                          {.grid = !settings.no_grid});
  if (!image) return core::makeError("the graphics device was lost: " + device.firstFailure());
  return std::vector<std::uint8_t>(image->rgba.begin(), image->rgba.end());
}

std::string detailOf(const scene::Character& character) {
  std::size_t triangles = 0, morphs = 0;
  Box box;
  for (const scene::Mesh& mesh : character.meshes) {
    triangles += mesh.indices.size() / 3;
    morphs = std::max(morphs, mesh.morphs.size());
    for (const scene::Vertex& vertex : mesh.vertices) {
      box.low = glm::min(box.low, vertex.position);
      box.high = glm::max(box.high, vertex.position);
    }
  }
  std::string text = fmt::format("{} triangles · {} joints", triangles, character.skeleton.size());
  if (morphs > 0) text += fmt::format(" · {} shapes", morphs);
  if (triangles > 0) text += fmt::format(" · {:.3g} m", box.high.y - box.low.y);
  return text;
}

core::Result<Cell> makeCell(gpu::Device& device, const SheetSettings& settings,
                            const fs::path& path) {
  Cell cell{.name = path.filename().string()};
  auto character = asset::loadCharacter(path);
  if (!character) {
    cell.refusal = character.error().message;
    // The label names the file already.
    if (cell.refusal.starts_with(path.string() + ": ")) {
      cell.refusal.erase(0, path.string().size() + 2);
    }
  } else {
    cell.detail = detailOf(*character);
    for (const std::string& warning : character->warnings) {
      fmt::print(stderr, "{}: {}\n", path.string(), warning);
    }
    if (character->meshes.empty()) {
      cell.refusal = "holds a skeleton and motion, but no mesh to show";
    } else {
      auto image = renderCell(device, settings, *character);
      if (!image) return core::makeError(path.string() + ": " + image.error().message);
      cell.rgba = *std::move(image);
    }
  }
  if (!cell.refusal.empty()) fmt::print(stderr, "{}: {}\n", path.string(), cell.refusal);
  return cell;
}

float textWidth(float height_px, const std::string& text) {
  Canvas measure(1, 1, kGround);
  return measure.text(0.0f, 0.0f, height_px, text, kGround);
}

/// The text in lines no wider than that, broken between words.
std::vector<std::string> lines(const std::string& text, float height_px, float width_px) {
  std::vector<std::string> result(1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    const std::string longer = result.back().empty() ? word : result.back() + " " + word;
    if (!result.back().empty() && textWidth(height_px, longer) > width_px) {
      result.push_back(word);
    } else {
      result.back() = longer;
    }
    at = end + 1;
  }
  return result;
}

/// Shortened until it fits.
std::string fitted(std::string text, float height_px, float width_px) {
  if (textWidth(height_px, text) <= width_px) return text;
  while (text.size() > 1 && textWidth(height_px, text + "…") > width_px) text.pop_back();
  return text + "…";
}

/// A refused character takes a small cell: its name and why.
void drawRefusal(Canvas& canvas, const Cell& cell, const SheetSettings& settings,
                 std::uint32_t left, std::uint32_t top) {
  const auto x = static_cast<float>(left), y = static_cast<float>(top);
  const auto width = static_cast<float>(settings.cell_width_px);
  canvas.rectangle(x, y, width, static_cast<float>(kRefusalHeight_px), kCell);
  canvas.rectangle(x, y, 3.0f, static_cast<float>(kRefusalHeight_px), kRefused);
  canvas.text(x + 14.0f, y + 24.0f, 15.0f, fitted(cell.name, 15.0f, width - 26.0f), kName);
  float at = y + 28.0f;
  for (const std::string& line : lines(cell.refusal, 12.0f, width - 26.0f)) {
    if (at > y + static_cast<float>(kRefusalHeight_px) - 24.0f) break;
    canvas.text(x + 14.0f, at += 16.0f, 12.0f, line, kDetail);
  }
}

void drawCell(Canvas& canvas, const Cell& cell, const SheetSettings& settings, std::uint32_t left,
              std::uint32_t top) {
  const auto x = static_cast<float>(left), y = static_cast<float>(top);
  const auto width = static_cast<float>(settings.cell_width_px);
  const auto height = static_cast<float>(settings.cell_height_px);
  canvas.rectangle(x, y, width, height + static_cast<float>(kLabelHeight_px), kCell);
  for (std::uint32_t row = 0; row < settings.cell_height_px; ++row) {
    for (std::uint32_t column = 0; column < settings.cell_width_px; ++column) {
      const std::uint8_t* p = &cell.rgba[(row * settings.cell_width_px + column) * 4];
      canvas.blend(static_cast<std::int32_t>(left + column), static_cast<std::int32_t>(top + row),
                   {p[0], p[1], p[2]});
    }
  }
  canvas.text(x + 12.0f, y + height + 22.0f, 15.0f, fitted(cell.name, 15.0f, width - 24.0f), kName);
  canvas.text(x + 12.0f, y + height + 41.0f, 12.0f, fitted(cell.detail, 12.0f, width - 24.0f),
              kDetail);
}

}  // namespace

core::Result<void> makeSheet(const SheetSettings& settings) {
  auto files = filesOf(settings.paths);
  if (!files) return files.error();
  auto device = gpu::Device::create({.name = settings.device});
  if (!device) return device.error();
  std::vector<Cell> shown, refused;
  for (const fs::path& file : *files) {
    auto cell = makeCell(**device, settings, file);
    if (!cell) return cell.error();
    (cell->refusal.empty() ? shown : refused).push_back(*std::move(cell));
  }
  const auto columns = std::min(settings.columns,
                                static_cast<std::uint32_t>(std::max(shown.size(), refused.size())));
  const auto rowsOf = [&](const std::vector<Cell>& cells) {
    return (static_cast<std::uint32_t>(cells.size()) + columns - 1) / columns;
  };
  const std::uint32_t step_x = settings.cell_width_px + kGap_px;
  const std::uint32_t step_y = settings.cell_height_px + kLabelHeight_px + kGap_px;
  const std::uint32_t small_y = kRefusalHeight_px + kGap_px;
  const std::uint32_t refused_top = kGap_px + rowsOf(shown) * step_y;
  Canvas canvas(columns * step_x + kGap_px, refused_top + rowsOf(refused) * small_y, kGround);
  for (std::uint32_t i = 0; i < shown.size(); ++i) {
    drawCell(canvas, shown[i], settings, kGap_px + i % columns * step_x,
             kGap_px + i / columns * step_y);
  }
  for (std::uint32_t i = 0; i < refused.size(); ++i) {
    drawRefusal(canvas, refused[i], settings, kGap_px + i % columns * step_x,
                refused_top + i / columns * small_y);
  }
  return asset::savePicture(settings.out, canvas.rgba(), canvas.width(), canvas.height());
}

}  // namespace understudy::portrait
