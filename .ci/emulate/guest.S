# The machine's whole program: from a processor's first instruction to 64 bits, and then case after case of what emulate.py wrote onto the disk.
#   0x200000  the disk's beginning, which is this file (its first 64 KiB are the ROM, too, which ends at 4 GiB), then the product that numba compiled
#   0x300000  memory that the product asks for; the stack, downwards from 0x400000
#   0x400000  page tables
#   0x600000  the cases, 25 words each: chunks (0 ends the list), address of the room for packing, of the pages of `c`, their bytes, 21 parameters
# Port 0xe9 goes to the output of Bochs: for each case a word, -1 or the number of the exception that stopped it, and then the pages of `c`.
.section .start, "awx"
.code16
rom:    lgdtl %cs:gdt_at - rom
        mov %cr0, %eax; or $1, %al; mov %eax, %cr0                              # protected mode
        ljmpl $8, $0xffff0000 + protected - rom
.code32
protected:
        mov $16, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %ss; xor %ebx, %ebx; mov $0x200000, %edi
sector: mov $0x1f2, %edx; mov $1, %al; out %al, %dx                             # copy the disk into memory, sector after sector
        mov %ebx, %eax; inc %edx; out %al, %dx; shr $8, %eax; inc %edx; out %al, %dx; shr $8, %eax; inc %edx; out %al, %dx
        inc %edx; mov $0xe0, %al; out %al, %dx; inc %edx; mov $0x20, %al; out %al, %dx
1:      in %dx, %al; and $0x88, %al; cmp $8, %al; jne 1b                        # until it has data and isn't busy
        mov $0x1f0, %edx; mov $256, %ecx; rep insw
        inc %ebx; cmp 0xfffffff8, %ebx; jb sector
        mov $1f, %eax; jmp *%eax                                                # on in memory
1:      mov $0x400000, %eax; mov %eax, %cr3
        mov $0x40620, %eax; mov %eax, %cr4                                      # large pages, SSE, XSAVE
        mov $0xc0000080, %ecx; rdmsr; or $0x100, %eax; wrmsr                    # long mode
        mov $0x80010023, %eax; mov %eax, %cr0                                   # paging, with pages that are read-only, and floating-point numbers
        lgdt gdt_here; ljmp $24, $long_mode
gdt_at: .word 31; .long 0xffff0000 + gdt - rom
gdt:    .quad 0, 0x00cf9a000000ffff, 0x00cf92000000ffff, 0x00209a0000000000     # code of 32 bits, data, code of 64 bits
.org 0xfff0
.code16
        jmp rom                                                                 # where a processor starts
.org 0xfff8
        .long 0                                                                 # sectors; emulate.py writes them here
.org 0x10000
.code64
long_mode:
        mov $0xd, %eax; xor %ecx, %ecx; cpuid                                   # which registers there are to use: xmm, ymm, zmm, tiles
        and $0x600e7, %eax; xor %edx, %edx; xor %ecx, %ecx; xsetbv
        lidt idt_at; mov $0x400000, %esp; mov $0x600000, %ebx
        mov $start_word, %esi; mov $8, %ecx; call out
next:   cmpq $0, (%rbx); je over
        mov %rbx, now; movq $0x300000, heap; xor %r12d, %r12d
1:      mov %r12, %rdi; lea 32(%rbx), %rsi; mov 8(%rbx), %rdx; call chunk
        inc %r12; cmp (%rbx), %r12; jb 1b
        mov $-1, %rax
report: cld; mov $0x400000, %esp; mov now, %rbx; mov %rax, status
        mov $status, %esi; mov $8, %ecx; call out
        mov 16(%rbx), %rsi; mov 24(%rbx), %rcx; call out
        add $200, %rbx; jmp next
out:    mov $0xe9, %edx; rep outsb; ret
over:   mov $shutdown, %esi; mov $8, %ecx; mov $0x8900, %edx; rep outsb; hlt    # Bochs ends when it reads this word there

# What numba's products want from its runtime and from C. Names that are not here become address 0, where there is no page: a call of one counts as stopped
.globl NRT_MemInfo_alloc_aligned, NRT_MemInfo_new_varsize_dtor, NRT_MemInfo_varsize_realloc, NRT_MemInfo_call_dtor, memset
NRT_MemInfo_alloc_aligned: NRT_MemInfo_new_varsize_dtor:                        # a head with references, and from 24 on address and bytes
        mov heap, %rax; lea 64(%rax), %rcx
        movq $1, (%rax); movq $0, 8(%rax); mov %rcx, 24(%rax); mov %rdi, 32(%rax)
        lea 63(%rcx,%rdi), %rcx; and $-64, %rcx; mov %rcx, heap
NRT_MemInfo_call_dtor: ret
NRT_MemInfo_varsize_realloc:                                                    # lists only grow: copy what there was
        mov heap, %rax; lea 63(%rax,%rsi), %rdx; and $-64, %rdx; mov %rdx, heap
        mov 24(%rdi), %r8; mov 32(%rdi), %rcx; mov %rax, 24(%rdi); mov %rsi, 32(%rdi)
        mov %r8, %rsi; mov %rax, %rdi; rep movsb; ret
memset: mov %rdi, %r8; mov %esi, %eax; mov %rdx, %rcx; rep stosb; mov %r8, %rax; ret

start_word: .ascii "\nGUEST:\n"
shutdown: .ascii "Shutdown"
idt_at: .word 511; .quad idt
gdt_here: .word 31; .quad gdt                                                   # the same as in the ROM, which has no page from here on
.balign 8
now: .quad 0; heap: .quad 0; status: .quad 0
.set n, 0
idt:                                                                            # 32 exceptions; number n goes to 0x211000 + 16n
.rept 32
        .word 0x1000 + 16*n, 24, 0x8e00, 0x21, 0, 0, 0, 0; .set n, n+1
.endr
.org 0x11000
.set n, 0
.rept 32
        .balign 16; mov $n, %eax; jmp report; .set n, n+1
.endr
