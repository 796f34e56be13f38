"""What is on the class path of the driver's JVM, by Java's own interfaces."""

from __future__ import annotations

from common.spark.internals import driver_jvm


def jars_of_class(name: str) -> list[str]:
    """The jars that hold a class, the one that it is loaded from first; empty where no JVM runs."""
    jvm = driver_jvm()
    if jvm is None:
        return []
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    jars = [str(loader.loadClass(name).getProtectionDomain().getCodeSource().getLocation().getPath())]
    found = loader.getResources(f"{name.replace('.', '/')}.class")
    while found.hasMoreElements():
        # file:/usr/share/aws/delta/lib/delta-spark.jar!/io/delta/...
        jars.append(str(found.nextElement().getPath()).partition("!")[0].removeprefix("file:"))
    return list(dict.fromkeys(jars))
