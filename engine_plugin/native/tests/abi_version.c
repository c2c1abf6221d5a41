/* Says which ABI the library has; plain C, so that the header is read as C too. */
#include <stdio.h>

#include "framebridge.h"

int main(void) {
    printf("%u\n", (unsigned)fb_abi_version());
    return fb_abi_version() == FB_ABI_VERSION ? 0 : 1;
}
