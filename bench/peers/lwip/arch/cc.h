/* SPDX-License-Identifier: MIT */
/*
 * cc.h - what lwIP asks of a compiler and a C library; the rest are its defaults. Read by lwIP
 * only, through arch.h.
 */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include <stdlib.h>

#define LWIP_RAND() ((u32_t)rand())

#endif
