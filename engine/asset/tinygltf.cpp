// tinygltf's implementation, built here and not taken from its shared library so that sanitizers
// see it and its JSON code is that of the rest of the program.
#define TINYGLTF_IMPLEMENTATION
#include <tiny_gltf.h>
