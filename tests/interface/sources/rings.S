/* Debug data that no compiler writes: types that hold, name or point at themselves, and
 * one that is nowhere.  All of it must be refused, function by function. */
	.text
	.macro function name
	.globl	\name
	.type	\name, @function
\name:	ret
	.size	\name, 1
	.endm
	function ring_struct
	function ring_typedef
	function ring_array
	function ring_pointer
	function nowhere
	function sound

	.macro subprogram name, to
	.uleb128 2
	.asciz	"\name"
	.long	\to
	.endm

	.section .debug_info,"",@progbits
unit:	.long	end - version
version: .value	4
	.long	abbrev
	.byte	8
	.uleb128 1
	subprogram ring_struct, (struct-unit)
	subprogram ring_typedef, (typedef-unit)
	subprogram ring_array, (array-unit)
	subprogram ring_pointer, (pointer-unit)
	subprogram nowhere, 0x7fffff0
	subprogram sound, (number-unit)
struct:	.uleb128 3
	.asciz	"ring"
	.byte	8
	.uleb128 4
	.asciz	"inside"
	.long	struct - unit
	.byte	0
	.byte	0
typedef: .uleb128 5
	.asciz	"again"
	.long	typedef - unit
array:	.uleb128 6
	.long	array - unit
	.uleb128 7
	.byte	3
	.byte	0
pointer: .uleb128 8
	.long	pointer - unit
number:	.uleb128 9
	.byte	5
	.byte	4
	.byte	0
end:

	.macro pair name, form
	.uleb128 \name
	.uleb128 \form
	.endm
	.macro entry code, tag, children
	.uleb128 \code
	.uleb128 \tag
	.byte	\children
	.endm

	.section .debug_abbrev,"",@progbits
abbrev:	entry	1, 0x11, 1     /* compile_unit */
	pair	0, 0
	entry	2, 0x2e, 0     /* subprogram: external, name, type */
	pair	0x3f, 0x19
	pair	0x03, 0x08
	pair	0x49, 0x13
	pair	0, 0
	entry	3, 0x13, 1     /* structure_type: name, byte_size */
	pair	0x03, 0x08
	pair	0x0b, 0x0b
	pair	0, 0
	entry	4, 0x0d, 0     /* member: name, type, data_member_location */
	pair	0x03, 0x08
	pair	0x49, 0x13
	pair	0x38, 0x0b
	pair	0, 0
	entry	5, 0x16, 0     /* typedef: name, type */
	pair	0x03, 0x08
	pair	0x49, 0x13
	pair	0, 0
	entry	6, 0x01, 1     /* array_type: type */
	pair	0x49, 0x13
	pair	0, 0
	entry	7, 0x21, 0     /* subrange_type: upper_bound */
	pair	0x2f, 0x0b
	pair	0, 0
	entry	8, 0x0f, 0     /* pointer_type: type */
	pair	0x49, 0x13
	pair	0, 0
	entry	9, 0x24, 0     /* base_type: encoding, byte_size */
	pair	0x3e, 0x0b
	pair	0x0b, 0x0b
	pair	0, 0
	.byte	0
	.section .note.GNU-stack,"",@progbits
