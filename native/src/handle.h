// exports.h for hosts in other languages, C++ too: nothing of the module's own types.
#ifndef DYNEDGE_HANDLE_H
#define DYNEDGE_HANDLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dynedge_handle dynedge_handle;

/** How many threads an instance has where `asked` are wanted, 1 to 16, or with 0 one for each core, at most 4. */
uint32_t dynedge_handle_most(uint32_t asked);
/** Least memory of an instance with so many threads, in bytes. */
uint64_t dynedge_handle_least(uint32_t threads);
/**
 * An instance over `bytes` zeros at `memory`, 64-aligned, which the caller keeps until it has closed it; NULL where that cannot be. Its calls
 * of `run` are shared by so many threads, fewer where the system gives no more.
 */
dynedge_handle *dynedge_handle_open(uint8_t *memory, uint64_t bytes, uint32_t threads);
uint32_t dynedge_handle_threads(const dynedge_handle *handle);
void dynedge_handle_close(dynedge_handle *handle);
/** Describes export number `index` as dynedge_export does; 0 behind the last. */
int dynedge_handle_export(uint32_t index, const char **name, int *arguments, int *real, int *gives);
/** As dynedge_call; NULL, or what trapped, in words. */
const char *dynedge_handle_call(dynedge_handle *handle, uint32_t index, const double *numbers, int32_t *result);

#ifdef __cplusplus
}
#endif

#endif
