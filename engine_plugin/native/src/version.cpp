#include "framebridge.h"

extern "C" uint32_t FB_CALL fb_abi_version(void) { return FB_ABI_VERSION; }
