/* site - a place in our own code where a rule of eBPF can look on.
 *
 * A site is five bytes that do nothing: until somebody attaches there, it costs nothing
 * that can be measured. A uprobe on it does not trap where the kernel can turn it into a
 * call (Linux 6.18, x86-64: 0.35 us a hit instead of 9); so it must not cross a page.  Its
 * arguments are in the registers of a function's: PT_REGS_PARM1 and so on.
 *
 * A note in .note.stapsdt tells where it is and what it is called, with the provider
 * "rhodes", as <sys/sdt.h> of SystemTap does: rhodes-bpf finds it by "site:PATH:NAME", and
 * perf and bpftrace find it, too.  ARCHITECTURE.md has the list of sites. */
#ifndef RH_BASE_SITE_H
#define RH_BASE_SITE_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__ELF__)
#define RH_SITE(name, a, b, c)                                                      \
	__asm__ volatile(                                                           \
		".balign 8\n"                                                       \
		"990: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"                         \
		".pushsection .note.stapsdt, \"\", \"note\"\n"                      \
		".balign 4\n"                                                       \
		".4byte 992f-991f, 994f-993f, 3\n"                                  \
		"991: .asciz \"stapsdt\"\n"                                         \
		"992: .balign 4\n"                                                  \
		"993: .8byte 990b, 0, 0\n"                                          \
		".asciz \"rhodes\"\n"                                               \
		".asciz \"" #name "\"\n"                                            \
		".asciz \"8@%%rdi 8@%%rsi 8@%%rdx\"\n"                              \
		"994: .balign 4\n"                                                  \
		".popsection\n"                                                     \
		: : "D"((uint64_t)(a)), "S"((uint64_t)(b)), "d"((uint64_t)(c)))
#else
#define RH_SITE(name, a, b, c) ((void)(a), (void)(b), (void)(c))
#endif

#endif
