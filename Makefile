# Two commands do everything: `make demo` and `make test`. The rest is for people who work on vsd.
BUILD ?= build/native
# Asked when it is used: `prepare` may just have installed it.
CXX = $(shell command -v ccache >/dev/null 2>&1 && echo ccache g++ || echo g++)
SUITES ?=
# Clones of one machine share what is compiled. Where nobody reads warnings they are errors, and nobody debugs.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
STRICT := $(if $(CI),--werror -Ddebug=false)

.PHONY: all demo test prepare deb lab-up lab-down format lint asan tsan bench clean

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja: | prepare
	CXX="$(CXX)" meson setup $(STRICT) $(BUILD)

# Installs what building and testing need, when something is missing (root on Debian 12 or 13).
prepare:
	@packaging/prepare

demo: prepare
	lab/demo

test: all
	tests/run --build $(BUILD) $(SUITES)

deb: prepare
	dpkg-buildpackage -b -uc -us -nc
	mkdir -p build/deb && mv ../vsd_*.deb ../vsd_*.buildinfo ../vsd_*.changes build/deb/ 2>/dev/null; ls build/deb/*.deb

lab-up: prepare
	lab/lab up 2 && lab/lab deploy

lab-down:
	lab/lab down

bench: all
	bench/run

format:
	git ls-files '*.cpp' '*.hpp' | xargs clang-format -i

# clang-tidy must be told that this compiler has coroutines: asio asks for a newer one.
TIDY = $(shell command -v clang-tidy-16 || echo clang-tidy) --quiet -p build/lint --extra-arg=-DASIO_HAS_CO_AWAIT=1 --extra-arg=-DASIO_HAS_STD_COROUTINE=1
lint:
	packaging/prepare lint
	test -d build/lint || meson setup build/lint -Db_pch=false
	ninja -C build/lint vsd/api/interface_text.hpp
	git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
	# Not the server: the analyzer takes a pointer inside asio's coroutines for uninitialized.
	git ls-files 'vsd/*.cpp' 'vsctl/*.cpp' 'netfw/*.cpp' | grep -v '^vsd/api/server.cpp' | xargs -P2 -n4 $(TIDY)
	git ls-files '*.sh' packaging/prepare .ci/run | xargs shellcheck
	tests/layers.py

asan: prepare
	test -d build/asan || CXX="$(CXX)" meson setup build/asan -Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build/asan && tests/run --build build/asan unit

tsan: prepare
	test -d build/tsan || CXX="$(CXX)" meson setup build/tsan -Db_sanitize=thread -Db_lundef=false
	ninja -C build/tsan && tests/run --build build/tsan unit

clean:
	rm -rf build
