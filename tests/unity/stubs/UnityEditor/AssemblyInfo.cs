using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("host")]
