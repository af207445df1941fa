#pragma once
void k_yield(void);
