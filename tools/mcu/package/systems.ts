// What each build system wants beside the sources: its description of the library, and an example.

import { arduinoSketch, cProgram } from "./examples.ts";
import { type Described, PACKAGE_VERSION, type PackageFile, type PackageKind } from "./types.ts";

/** Where sources and headers go, and the files around them. */
interface System {
  readonly sources: string;
  readonly headers: string;
  /** How to use it, in Markdown. */
  readonly use: readonly string[];
  files(model: Described): readonly PackageFile[];
}

const SOURCES = ["rivulet.c", "rivulet_module.c"];

const arduino: System = {
  sources: "src",
  headers: "src",
  use: [
    "Copy this folder into the folder `libraries` of your sketchbook, or `Sketch > Include Library > Add",
    ".ZIP Library` with a zip of it. Then `File > Examples` has its example.",
  ],
  files: (model) => [
    {
      path: "library.properties",
      text: [
        `name=${model.name}`,
        `version=${PACKAGE_VERSION}`,
        "author=Rivulet",
        "maintainer=Rivulet",
        `sentence=${model.sentence}`,
        "paragraph=Made by rivulet build. No heap, the bits of the computer that trained it.",
        "category=Data Processing",
        "url=https://www.npmjs.com/package/rivulet",
        "architectures=*",
        "includes=rivulet.h",
        "",
      ].join("\n"),
    },
    { path: "keywords.txt", text: keywords(model) },
    { path: "examples/Model/Model.ino", text: arduinoSketch(model) },
  ],
};

const keywords = ({ isDetector }: Described): string => {
  const functions = ["init", "step", "step_raw", "state_save", "state_load", "selftest", "check"];
  if (isDetector) functions.push("score", "alarm", "channel", "missed");
  return ["rivulet_model_t\tKEYWORD1", ...functions.map((name) => `rivulet_${name}\tKEYWORD2`), ""].join("\n");
};

const platformio: System = {
  sources: "src",
  headers: "include",
  use: [
    "Put this folder into `lib/` of your project, or name it in `platformio.ini`:",
    "",
    "    lib_deps = symlink://../path/to/this/folder",
  ],
  files: (model) => [
    {
      path: "library.json",
      text: json({
        name: model.name,
        version: PACKAGE_VERSION,
        description: model.sentence,
        keywords: ["gru", "machine-learning", "sensors"],
        authors: [{ name: "Rivulet" }],
        license: "Apache-2.0",
        frameworks: "*",
        platforms: "*",
        headers: "rivulet.h",
        build: { srcDir: "src", includeDir: "include", flags: ["-ffp-contract=off"] },
        examples: [{ name: "Model", base: "examples/Model", files: ["main.cpp"] }],
      }),
    },
    {
      path: "examples/Model/main.cpp",
      text: arduinoSketch(model).replace("#include <rivulet.h>", "#include <Arduino.h>\n#include <rivulet.h>"),
    },
  ],
};

const zephyr: System = {
  sources: "src",
  headers: "include",
  use: [
    "A module of Zephyr. Name it when you build, or in the manifest of west, and set `CONFIG_RIVULET=y`:",
    "",
    "    west build -b nucleo_f411re sample -- -DZEPHYR_EXTRA_MODULES=$PWD",
  ],
  files: (model) => [
    {
      path: "zephyr/module.yml",
      text: `name: ${model.name}\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n`,
    },
    {
      path: "zephyr/Kconfig",
      text: `config RIVULET
	bool "${model.sentence}"
	help
	  A trained model as C, behind rivulet.h.

config RIVULET_FLASH
	bool "Leave the constants of the model in flash"
	depends on RIVULET
	help
	  Takes ${model.ramFlash ?? model.ram} bytes of RAM in place of ${model.ram}, and more instructions.
`,
    },
    {
      path: "zephyr/CMakeLists.txt",
      text: `if(CONFIG_RIVULET)
  zephyr_library()
  zephyr_library_sources(${SOURCES.map((name) => `../src/${name}`).join(" ")})
  zephyr_library_compile_options(-O2 -ffp-contract=off)
  zephyr_include_directories(../include)
  zephyr_compile_definitions_ifdef(CONFIG_RIVULET_FLASH RIVULET_FLASH=1)
endif()
`,
    },
    {
      path: "sample/CMakeLists.txt",
      text: `cmake_minimum_required(VERSION 3.20)
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(${cmakeName(model)}_sample LANGUAGES C)
target_sources(app PRIVATE src/main.c)
`,
    },
    { path: "sample/prj.conf", text: "CONFIG_RIVULET=y\nCONFIG_PRINTK=y\nCONFIG_MAIN_STACK_SIZE=2048\n" },
    {
      path: "sample/src/main.c",
      text: cProgram(model, {
        head: "#include <zephyr/sys/printk.h>\n",
        main: "int main(void) {",
        print: "printk",
        ends: true,
      }),
    },
  ],
};

const espIdf: System = {
  sources: "src",
  headers: "include",
  use: [
    "Put this folder into `components/` of your project, or name the folder that it is in by",
    "`EXTRA_COMPONENT_DIRS`.",
  ],
  files: (model) => [
    {
      path: "idf_component.yml",
      text: `version: "${PACKAGE_VERSION}"\ndescription: "${model.sentence}"\nlicense: Apache-2.0\ndependencies:\n  idf: ">=5.0"\n`,
    },
    {
      path: "CMakeLists.txt",
      text: `idf_component_register(SRCS ${SOURCES.map((name) => `"src/${name}"`).join(" ")} INCLUDE_DIRS "include" PRIV_INCLUDE_DIRS "src")
target_compile_options(\${COMPONENT_LIB} PRIVATE -O2 -ffp-contract=off)
`,
    },
    {
      path: "examples/model/CMakeLists.txt",
      text: `cmake_minimum_required(VERSION 3.16)
set(EXTRA_COMPONENT_DIRS "\${CMAKE_CURRENT_LIST_DIR}/../..")
include($ENV{IDF_PATH}/tools/cmake/project.cmake)
project(${cmakeName(model)}_example)
`,
    },
    { path: "examples/model/main/CMakeLists.txt", text: 'idf_component_register(SRCS "main.c")\n' },
    {
      path: "examples/model/main/main.c",
      text: cProgram(model, {
        head: "#include <stdio.h>\n",
        main: "void app_main(void) {",
        print: "printf",
        ends: false,
      }),
    },
  ],
};

const cmake: System = {
  sources: "src",
  headers: "include",
  use: [
    "`add_subdirectory` this folder, or install it and find it:",
    "",
    "    cmake -B build && cmake --build build && cmake --install build --prefix /opt/models",
    "    cmake -S example -B build/example -DCMAKE_PREFIX_PATH=/opt/models && cmake --build build/example",
    "",
    "Then `find_package(rivulet)` and `target_link_libraries(app PRIVATE rivulet::rivulet)`.",
  ],
  files: (model) => [
    {
      path: "CMakeLists.txt",
      text: `cmake_minimum_required(VERSION 3.14)
project(rivulet VERSION ${PACKAGE_VERSION} LANGUAGES C)

# Leaves the constants of the model in flash: ${model.ramFlash ?? model.ram} bytes of RAM in place of ${model.ram}, and more instructions.
option(RIVULET_FLASH "Leave the constants of the model in flash" OFF)

add_library(rivulet STATIC ${SOURCES.map((name) => `src/${name}`).join(" ")})
add_library(rivulet::rivulet ALIAS rivulet)
target_compile_features(rivulet PUBLIC c_std_99)
target_compile_options(rivulet PRIVATE -O2 -ffp-contract=off)
target_compile_definitions(rivulet PRIVATE RIVULET_FLASH=$<BOOL:\${RIVULET_FLASH}>)
target_include_directories(rivulet PUBLIC $<BUILD_INTERFACE:\${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
install(TARGETS rivulet EXPORT rivulet-targets ARCHIVE DESTINATION \${CMAKE_INSTALL_LIBDIR})
install(FILES include/rivulet.h include/rivulet_model.h DESTINATION \${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT rivulet-targets FILE rivulet-config.cmake NAMESPACE rivulet:: DESTINATION \${CMAKE_INSTALL_LIBDIR}/cmake/rivulet)
write_basic_package_version_file(rivulet-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES \${CMAKE_CURRENT_BINARY_DIR}/rivulet-config-version.cmake DESTINATION \${CMAKE_INSTALL_LIBDIR}/cmake/rivulet)
`,
    },
    {
      path: "example/CMakeLists.txt",
      text: `cmake_minimum_required(VERSION 3.14)
project(example LANGUAGES C)
find_package(rivulet 1.0 REQUIRED)
add_executable(example main.c)
target_link_libraries(example PRIVATE rivulet::rivulet)
`,
    },
    {
      path: "example/main.c",
      text: cProgram(model, { head: "#include <stdio.h>\n", main: "int main(void) {", print: "printf", ends: true }),
    },
  ],
};

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** A name for CMake: letters, digits and underscores. */
const cmakeName = ({ name }: Described): string => name.replace(/\W/g, "_");

/** All of them. */
export const SYSTEMS: Readonly<Record<PackageKind, System>> = { arduino, platformio, zephyr, "esp-idf": espIdf, cmake };
