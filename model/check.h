/* check - RH_CHECK states what must be true if the code is right.  It is on in
 * every build: a wrong governor is worse than a stopped one.  What others send
 * (pages, sockets, files) is refused with an error, never checked. */
#ifndef RH_MODEL_CHECK_H
#define RH_MODEL_CHECK_H

/* Supplied by base/check.c on Linux and by the kernel on the metal. */
_Noreturn void rh_check_failed(const char *text, const char *file, int line);

#define RH_CHECK(cond) \
	((cond) ? (void)0 : rh_check_failed(#cond, __FILE__, __LINE__))

#endif
