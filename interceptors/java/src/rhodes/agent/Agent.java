package rhodes.agent;

import java.io.File;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Map;
import java.util.Set;

/** -javaagent:rhodes-agent.jar[=FILE]: native methods of unmodified programs become governed
 *  calls, and what FILE (or RHODES_JAVA) says; see Rewriter.
 *
 *  ASM and what uses it have a loader of their own, so that a program with another ASM keeps it;
 *  what the program's classes link with (rhodes.Hook) is on the path of the boot loader. */
public final class Agent {
    private static final String ASM = "/usr/share/java/asm.jar";
    private static boolean isThere; // once, however often it is named

    private Agent() {
    }

    public static void premain(String configuration, Instrumentation machine) throws Exception {
        if (isThere || System.getenv("RHODES_INTERFACES") == null)
            return;
        isThere = true;
        String file = configuration != null ? configuration : System.getenv("RHODES_JAVA");
        File asm = new File(System.getProperty("rhodes.asm", ASM));
        if (!asm.exists()) {
            System.err.println("rhodes: native methods are not governed, as there is no " + asm
                    + " (package libasm-java)");
            return;
        }
        URL own = Agent.class.getProtectionDomain().getCodeSource().getLocation();
        ClassLoader loader = new URLClassLoader(new URL[] {own, asm.toURI().toURL()},
                ClassLoader.getPlatformClassLoader());
        Module hooks = Class.forName("rhodes.Hook", false, null).getModule();
        java.util.function.Consumer<Module> link = module -> {
            if (module.isNamed() && !module.canRead(hooks))
                machine.redefineModule(module, Set.of(hooks), Map.of(), Map.of(), Set.of(),
                        Map.of());
        };
        ClassFileTransformer rewriter = (ClassFileTransformer) loader
                .loadClass("rhodes.agent.Rewriter")
                .getConstructor(String.class, java.util.function.Consumer.class)
                .newInstance(file, link);
        machine.addTransformer(rewriter);
        machine.setNativeMethodPrefix(rewriter, "rhodes$real$");
    }
}
