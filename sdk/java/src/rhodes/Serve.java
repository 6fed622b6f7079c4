package rhodes;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
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
        if (what.endsWith(".class") && file.exists()) {
            String name = nameOf(file);
            return inside(above(file, name), name);
        }
        return Class.forName(what);
    }

    /** The folder that a class path names: the one above the folders of its package. */
    private static File above(File file, String name) throws IOException {
        File place = file.getCanonicalFile();
        String end = File.separator + name.replace('.', File.separatorChar) + ".class";
        if (!place.getPath().endsWith(end))
            throw new IOException(file + " is the class " + name + ", so its path has to end with "
                    + end.substring(1));
        for (int up = name.split("\\.").length; up > 0; up--)
            place = place.getParentFile();
        return place;
    }

    /** What a class file says that its class is called (JVMS 4.1, 4.4). */
    private static String nameOf(File file) throws IOException {
        try (DataInputStream in = new DataInputStream(
                new BufferedInputStream(Files.newInputStream(file.toPath())))) {
            if (in.readInt() != 0xcafebabe)
                throw new IOException(file + " is no class file");
            in.readInt(); // its version
            int count = in.readUnsignedShort();
            String[] texts = new String[count];
            int[] classes = new int[count];
            for (int i = 1; i < count; i++) {
                int tag = in.readUnsignedByte();
                switch (tag) {
                    case 1 -> texts[i] = in.readUTF();
                    case 7 -> classes[i] = in.readUnsignedShort();
                    case 8, 16, 19, 20 -> in.readShort();
                    case 15 -> in.skipNBytes(3);
                    case 5, 6 -> {
                        in.readLong();
                        i++; // takes two places
                    }
                    default -> in.readInt();
                }
            }
            in.readShort(); // access
            int self = in.readUnsignedShort();
            if (self >= count || classes[self] >= count || texts[classes[self]] == null)
                throw new IOException(file + " is no class file");
            return texts[classes[self]].replace('/', '.');
        }
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
