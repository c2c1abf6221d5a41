using System.Runtime.CompilerServices;

// Compiled into the package's assemblies by the tests alone.
[assembly: InternalsVisibleTo("host")]
