# Writes OUTPUT, C that holds the bytes of INPUT under NAME. Run by fvm_embed.
file(READ ${INPUT} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
  "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "#include <stddef.h>
#include <stdint.h>
extern const uint8_t ${NAME}[];
extern const size_t ${NAME}_len;
const uint8_t ${NAME}[] = {
${bytes}
};
const size_t ${NAME}_len = sizeof ${NAME};
")
