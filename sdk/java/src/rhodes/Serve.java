package rhodes;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.io.IOException;
import java.util.jar.JarFile;

/** java rhodes.Serve CLASS|FILE.class|FILE.jar [THREADS]: serves the functions of the resource
 *  that it runs as with a class of a program.  Of a jar it is the class that the manifest names
 *  as Rhodes-Serves, or as Main-Class. */
public final class Serve {
    private Serve() {
    }

    public static void main(String[] args) {
        if (args.length < 1 || args.length > 2) {
            System.err.println("usage: java rhodes.Serve CLASS|FILE.class|FILE.jar [THREADS]");
            System.exit(2);
        }
        try {
            Class<?> type = find(args[0]);
            int threads = args.length > 1 ? Integer.parseInt(args[1])
                    : Math.min(64, Runtime.getRuntime().availableProcessors() * 4);
            Server.serve(type.getDeclaredConstructor().newInstance(), threads);
        } catch (RhodesError | ReflectiveOperationException | IOException
                | NumberFormatException e) {
            System.err.println("rhodes.Serve: " + (e instanceof RhodesError ? e.getMessage() : e));
            System.exit(1);
        }
        System.exit(0);
    }

    private static Class<?> find(String what) throws ReflectiveOperationException, IOException {
        File file = new File(what).getAbsoluteFile();
        if (what.endsWith(".jar"))
            return inside(file, mainOf(file));
        if (what.endsWith(".class") && file.exists())
            return inside(file.getParentFile(),
                    file.getName().substring(0, file.getName().length() - ".class".length()));
        return Class.forName(what);
    }

    private static String mainOf(File file) throws IOException {
        try (JarFile jar = new JarFile(file)) {
            String named = null;
            if (jar.getManifest() != null) {
                named = jar.getManifest().getMainAttributes().getValue("Rhodes-Serves");
                if (named == null)
                    named = jar.getManifest().getMainAttributes().getValue("Main-Class");
            }
            if (named == null)
                throw new IOException(file + " names no class that serves");
            return named;
        }
    }

    private static Class<?> inside(File place, String name)
            throws ReflectiveOperationException, MalformedURLException {
        URLClassLoader loader = new URLClassLoader(new URL[] {place.toURI().toURL()},
                Serve.class.getClassLoader() == null ? ClassLoader.getSystemClassLoader()
                        : Serve.class.getClassLoader());
        return loader.loadClass(name);
    }
}
