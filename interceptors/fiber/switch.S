/* switch - how a processor goes from one stack and thread pointer to another.
 *
 * A context at rest is a stack pointer: above it lie the control words of x87 and SSE,
 * the registers that a callee keeps, and where to go on.  Between rh_switch_begin and
 * rh_switch_end stack and thread pointer may belong to two threads: a signal that comes
 * there is put off (handler.c). */
	.text
	.globl rh_switch_begin
	.hidden rh_switch_begin
rh_switch_begin:

	.macro SAVE
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	.endm

	.macro RESTORE
	fldcw 4(%rsp)
	ldmxcsr (%rsp)
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	.endm

	/* void rh_switch(void **save, void *load, unsigned long fs) */
	.globl rh_switch
	.hidden rh_switch
	.type rh_switch, @function
rh_switch:
	.cfi_startproc
	SAVE
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	cmpb $0, rh_switch_fsgsbase(%rip)
	je 1f
	wrfsbase %rdx
	RESTORE
	ret
1:	mov $158, %eax          /* arch_prctl */
	mov $0x1002, %edi       /* ARCH_SET_FS */
	mov %rdx, %rsi
	syscall
	RESTORE
	ret
	.cfi_endproc
	.size rh_switch, .-rh_switch

	/* void rh_switch_park(void **save, void *stack, void *argument): the context of
	 * the caller is at rest in *save, for whoever runs it; this kernel thread calls
	 * rh_parked(argument) on the other stack, and goes on with *save as it is then. */
	.globl rh_switch_park
	.hidden rh_switch_park
	.type rh_switch_park, @function
rh_switch_park:
	.cfi_startproc
	SAVE
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	and $-16, %rsp
	push %rdi
	push %rdi
	mov %rdx, %rdi
	call rh_parked
	pop %rdi
	mov (%rdi), %rsp
	RESTORE
	ret
	.cfi_endproc
	.size rh_switch_park, .-rh_switch_park

	.globl rh_switch_end
	.hidden rh_switch_end
rh_switch_end:
	.section .note.GNU-stack,"",@progbits
	.section .note.gnu.property,"a"
	.align 8
	.long 4, 16, 5
	.string "GNU"
	.align 8
	.long 0xc0000002, 4, 3
	.align 8
