// flushes FILE COUNT: writes a block and waits until it is on the disk, COUNT times; prints the
// milliseconds that all took.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int fd = ::open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::array<char, 4096> block{};
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < std::atoi(argv[2]); ++i)
    if (::pwrite(fd, block.data(), block.size(), i * 4096L) != 4096 || ::fdatasync(fd) < 0)
      return 1;
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.3f\n", took.count());
  return ::unlink(argv[1]) < 0 ? 1 : 0;
}
