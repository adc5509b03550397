#include "vsd/guest/memory.hpp"

#include <elf.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace vs::guest {

void releaseStartupMemory() noexcept {
  ::malloc_trim(0);
  const auto* segment = reinterpret_cast<const Elf64_Phdr*>(::getauxval(AT_PHDR));
  const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Addresses are as linked: the program is static and not relocatable. Read-only segments are
  // never changed after loading, so dropping their pages loses nothing.
  for (unsigned long left = ::getauxval(AT_PHNUM); left > 0; --left, ++segment) {
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = segment->p_vaddr & ~(page - 1);
    const std::uintptr_t end = (segment->p_vaddr + segment->p_memsz + page - 1) & ~(page - 1);
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

}  // namespace vs::guest
