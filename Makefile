# Everything from a fresh clone: `make demo`, then `make test`.
# RUNTIME chooses the variant of ONNX Runtime: cpu, cuda or directml, never two.
RUNTIME ?= cpu
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(RUNTIME)

.PHONY: demo test test-crash test-soak test-fuzz test-engines test-native test-parity test-windows check \
  models-check train bench install clean native native-windows unity-package

demo: install
	$(BIN)/framebridge demo $(ARGS)

# What looks at how the machine's time is divided runs alone, the rest side by side.
test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not alone' --ignore tests/native --ignore tests/unity
	$(BIN)/python -m pytest -m alone tests/system

# The native client and the Unity package, built in several ways: some minutes the first time. What
# they need of the system an error or a skip tells: cmake, ninja, g++, mono and others.
test-native: install
	$(BIN)/python -m pytest -n 2 tests/native tests/unity $(ARGS)

# kill -9, twenty times each, at random moments.
test-crash: install
	FRAMEBRIDGE_KILLS=20 $(BIN)/python -m pytest tests/system/test_survival.py tests/native/test_native_survival.py \
	  $(ARGS)

# A million frames with 500 swaps and 5,000 knobs turned: nothing may grow. Some ten minutes.
test-soak: install
	FRAMEBRIDGE_SOAK=1000000 $(BIN)/python -m pytest tests/system/test_soak.py -s $(ARGS)

# A million mutated messages to the sidecar's sockets; 20,000 mutated packages, and sixty of those
# that get past all checks are run.
test-fuzz: install
	FRAMEBRIDGE_FUZZ=1000000 $(BIN)/python -m pytest tests/system/test_hostile_clients.py $(ARGS)
	FRAMEBRIDGE_FUZZ=20000 $(BIN)/python -m pytest tests/inference/test_mutated_packages.py $(ARGS)

# The Godot extension in a real Godot 4, which is fetched from Debian into out/engines and installed
# nowhere (FRAMEBRIDGE_GODOT names another, FRAMEBRIDGE_ENGINES_DIR another place). The processor
# draws: some minutes. Needs Xvfb, CMake, Ninja and a C++ compiler.
test-engines: install
	$(BIN)/python -m tests.godot.engine
	FRAMEBRIDGE_ENGINES=1 $(BIN)/python -m pytest tests/godot $(ARGS)

# Converted networks against the frameworks they come from: installs PyTorch and TensorFlow.
test-parity: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -e engine_plugin/python -e '.[$(RUNTIME),convert,demo,dev,parity]'
	$(BIN)/python -m pytest tests/converters $(ARGS)

# The sidecar, the Python client and the native library on a Windows CPython under Wine, which the
# first run puts together in out/windows, or where FRAMEBRIDGE_WINDOWS_DIR says. Some minutes.
test-windows: install
	$(BIN)/python -m tests.windows.installation
	FRAMEBRIDGE_TEST_WINDOWS=1 $(BIN)/python -m pytest tests/windows $(ARGS)

# Trains a package again, and makes it: make train NAME=upscale-x2 ARGS="--resume". Installs PyTorch.
train: install
	@test -n "$(NAME)" || { echo 'Which? make train NAME=upscale-x2'; exit 2; }
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -e engine_plugin/python -e '.[$(RUNTIME),convert,demo,dev,train]'
	$(BIN)/python -m models.recipes.make $(NAME) $(ARGS)

# Plays every shipped package in the demo, measures each of its figures again, and how long it loads.
# Some minutes; needs the data, and exits 3 where there is none. Figures of one package alone:
# make models-check ARGS=upscale-x2
models-check: install
	@$(BIN)/python -c 'import skimage' 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    -e engine_plugin/python -e '.[$(RUNTIME),convert,demo,dev,measure]'
	$(if $(ARGS),,FRAMEBRIDGE_ALL_PACKAGES=1 $(BIN)/python -m pytest -n 2 tests/system/test_shipped.py)
	$(BIN)/python -m models.recipes.check $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/windows
	$(BIN)/python -m pytest tests/test_imports.py

# Four minutes, alone on the machine: writes docs/performance.md and out/bench/report.json.
# While developing: make bench ARGS="--quick --only trips".
bench: install
	$(BIN)/python -m tests.bench $(ARGS)

# The native client for engines: out/native/linux/libframebridge.so. Builds libzmq once.
native:
	$(PYTHON) engine_plugin/native/build.py

# The same for Windows, by mingw-w64: out/native/windows/framebridge.dll
native-windows:
	$(PYTHON) engine_plugin/native/build.py windows

# The Unity package with whatever libraries are built: out/unity/com.framebridge.unity-VERSION.tgz.
# For Windows as well: make native-windows unity-package
unity-package: native
	$(PYTHON) engine_plugin/pack_unity.py $(ARGS)

install: $(STAMP)

$(STAMP): pyproject.toml engine_plugin/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Framebridge needs Python 3.11 or later; name one: make PYTHON=python3.12 demo"; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
	  { echo "Python cannot make environments here: sudo apt-get install -y python3-venv"; exit 3; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -e engine_plugin/python -e '.[$(RUNTIME),convert,demo,dev]'
	@# Faster for some models, but there is no wheel of it for every system and Python.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary openvino \
	  -e engine_plugin/python -e '.[openvino]' || echo 'Without OpenVINO: ONNX Runtime does all.'
	touch $@

clean:
	rm -rf $(VENV) out dist build .pytest_cache .mypy_cache .ruff_cache
