# Cross builds for AArch64 Linux, with the compiler and libraries that scripts/test-aarch64.sh unpacks.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(triplet aarch64-linux-gnu)
set(root ${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-root)
cmake_path(NORMAL_PATH root)
if(NOT EXISTS ${root}/complete)
  message(FATAL_ERROR "no cross compiler in ${root}: run scripts/test-aarch64.sh once")
endif()

set(CMAKE_C_COMPILER ${root}/bin/${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${root}/bin/${triplet}-g++)
set(CMAKE_AR ${root}/bin/${triplet}-ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${root}/bin/${triplet}-ranlib CACHE FILEPATH "")
set(CMAKE_SYSROOT ${root})
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_FIND_ROOT_PATH ${root})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

find_program(PENUMBRA_QEMU NAMES qemu-aarch64 qemu-aarch64-static PATHS ${root}/usr/bin)
set(CMAKE_CROSSCOMPILING_EMULATOR ${PENUMBRA_QEMU} -L ${root}/usr/${triplet}
    -E LD_LIBRARY_PATH=${root}/usr/lib/${triplet})
