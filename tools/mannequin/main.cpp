#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "tools/mannequin/mannequin.h"

int main(int argc, char** argv) {
  CLI::App app{"Builds the mannequin or another of Understudy's own characters as glTF binary."};
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  std::string path, figure = "mannequin";
  app.add_option("output", path, "File to write; assets/characters/FIGURE.glb if left out");
  app.add_option("--figure", figure, "mannequin or junior")
      ->capture_default_str()
      ->check(CLI::IsMember({"mannequin", "junior"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (path.empty()) path = "assets/characters/" + figure + ".glb";
  const understudy::mannequin::Mannequin mannequin =
      understudy::mannequin::makeMannequin(*understudy::mannequin::findFigure(figure));
  if (!understudy::mannequin::isManifold(mannequin.mesh)) {
    std::cerr
        << "the skin is not one clean surface: give shapes that nearly touch more room or more "
           "blend\n";
    return 1;
  }
  const std::string glb = understudy::mannequin::writeGlb(mannequin);
  std::ofstream file(path, std::ios::binary);
  file.write(glb.data(), static_cast<std::streamsize>(glb.size()));
  file.close();
  if (!file) {
    std::cerr << path << ": cannot be written; check that the folder exists and has space\n";
    return 1;
  }
  std::cout << path << ": " << mannequin.mesh.triangles.size() << " triangles, "
            << mannequin.mesh.positions.size() << " vertices, " << glb.size() << " bytes\n";
  return 0;
}
