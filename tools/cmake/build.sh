# Sourced by tools/run, tools/test and tools/soak. Defines `root` and
#   build FOLDER TYPE TARGET [CMAKE ARGUMENTS ...]
root=$(cd "$(dirname "$0")/.." && pwd)

build() {
  folder=$1 type=$2 target=$3
  shift 3
  # A folder that was configured before keeps its generator; ccache only where it is installed.
  [ -f "$root/$folder/CMakeCache.txt" ] || set -- -G Ninja "$@"
  if command -v ccache >/dev/null 2>&1; then
    set -- "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache" "-DCMAKE_C_COMPILER_LAUNCHER=ccache" "$@"
  fi
  cmake -S "$root" -B "$root/$folder" "-DCMAKE_BUILD_TYPE=$type" "$@"
  cmake --build "$root/$folder" --target "$target" --parallel "$(nproc)"
}
