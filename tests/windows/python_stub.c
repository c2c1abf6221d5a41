/* python.exe for a Windows CPython whose library lies beside it. */
#include <stdio.h>
#include <windows.h>

typedef int (*main_function)(int, wchar_t **);

int wmain(int count, wchar_t **words)
{
    HMODULE library = LoadLibraryW(L"python311.dll");
    if (!library) {
        fprintf(stderr, "python311.dll cannot be loaded: error %lu\n", GetLastError());
        return 3;
    }
    main_function run = (main_function)(void *)GetProcAddress(library, "Py_Main");
    return run(count, words);
}
