package rhodes.agent;

import java.io.IOException;
import java.io.Reader;
import java.lang.instrument.ClassFileTransformer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.ProtectionDomain;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Handle;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import rhodes.Hook;

/** Rewrites classes of programs as they are loaded.
 *
 *  native T m(A a)             -> T m(A a) { return [Hook.call](this?, a); }, and the native method
 *                                 under another name, for what is not governed
 *  System.loadLibrary("x")     -> [Hook.loadLibrary]("x")
 *  what the configuration names: a class's methods get such bodies, calls of an interface's
 *  methods such calls
 *
 *  The configuration is a file of properties: class.name = callee. */
public final class Rewriter implements ClassFileTransformer {
    private static final String HOOK = "rhodes/Hook";
    private static final String SITE = "(Ljava/lang/invoke/MethodHandles$Lookup;"
            + "Ljava/lang/String;Ljava/lang/invoke/MethodType;%s)Ljava/lang/invoke/CallSite;";
    private static final byte[] LOAD = "loadLibrary".getBytes(StandardCharsets.ISO_8859_1);

    private final Map<String, String> configured = new HashMap<>(); // internal name, callee
    private final Consumer<Module> link;

    public Rewriter(String file, Consumer<Module> link) throws IOException {
        this.link = link;
        if (file == null || file.isEmpty())
            return;
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of(file))) {
            properties.load(reader);
        }
        for (String name : properties.stringPropertyNames())
            configured.put(name.replace('.', '/'), properties.getProperty(name).trim());
    }

    @Override
    public byte[] transform(Module module, ClassLoader loader, String name, Class<?> old,
                            ProtectionDomain domain, byte[] bytes) {
        if (loader == null || loader == ClassLoader.getPlatformClassLoader()
                || loader == getClass().getClassLoader() || old != null)
            return null;
        try {
            ClassReader reader = new ClassReader(bytes);
            if (!concerns(reader, bytes))
                return null;
            ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
            reader.accept(new Rewriting(writer, reader.getClassName()), 0);
            link.accept(module);
            return writer.toByteArray();
        } catch (RuntimeException | Error e) { // what is thrown here is not seen
            System.err.println("rhodes: " + name + " stays as it is: " + e);
            return null;
        }
    }

    /** invokedynamic came with version 51. */
    private boolean concerns(ClassReader reader, byte[] bytes) {
        if ((reader.readUnsignedShort(6) & 0xffff) < Opcodes.V1_7)
            return false;
        if (contains(bytes, LOAD) || configured.containsKey(reader.getClassName()))
            return true;
        for (String name : configured.keySet()) {
            if (contains(bytes, name.getBytes(StandardCharsets.UTF_8)))
                return true;
        }
        boolean[] isNative = new boolean[1];
        reader.accept(new ClassVisitor(Opcodes.ASM9) {
            @Override
            public MethodVisitor visitMethod(int access, String name, String descriptor,
                                             String signature, String[] exceptions) {
                isNative[0] |= (access & Opcodes.ACC_NATIVE) != 0;
                return null;
            }
        }, ClassReader.SKIP_CODE | ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
        return isNative[0];
    }

    private static boolean contains(byte[] bytes, byte[] word) {
        for (int i = 0; i <= bytes.length - word.length; i++) {
            int j = 0;
            while (j < word.length && bytes[i + j] == word[j])
                j++;
            if (j == word.length)
                return true;
        }
        return false;
    }

    private static Handle hook(String name, String more) {
        return new Handle(Opcodes.H_INVOKESTATIC, HOOK, name, String.format(SITE, more), false);
    }

    /** One class. */
    private final class Rewriting extends ClassVisitor {
        private final String owner;
        private boolean isInterface;

        Rewriting(ClassVisitor next, String owner) {
            super(Opcodes.ASM9, next);
            this.owner = owner;
        }

        @Override
        public void visit(int version, int access, String name, String signature, String parent,
                          String[] interfaces) {
            isInterface = (access & Opcodes.ACC_INTERFACE) != 0;
            super.visit(version, access, name, signature, parent, interfaces);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String descriptor,
                                         String signature, String[] exceptions) {
            String library = isInterface ? null : configured.get(owner);
            boolean isNative = (access & Opcodes.ACC_NATIVE) != 0;
            boolean has = library != null && !name.startsWith("<")
                    && (access & Opcodes.ACC_ABSTRACT) == 0 && Hook.has(library, name);
            if (!isNative && !has)
                return new Calls(super.visitMethod(access, name, descriptor, signature,
                        exceptions));
            MethodVisitor body = super.visitMethod(access & ~Opcodes.ACC_NATIVE, name, descriptor,
                    signature, exceptions);
            write(body, access, name, descriptor, has ? library : null);
            if (isNative && !has) {
                int kept = access & ~(Opcodes.ACC_PUBLIC | Opcodes.ACC_PROTECTED)
                        | Opcodes.ACC_PRIVATE | Opcodes.ACC_SYNTHETIC;
                super.visitMethod(kept, Hook.REAL + name, descriptor, signature, exceptions)
                        .visitEnd();
            }
            // Annotations go on; not the writer itself, which would copy the method as it was.
            return isNative ? new MethodVisitor(Opcodes.ASM9, body) { } : null;
        }

        private void write(MethodVisitor body, int access, String name, String descriptor,
                           String library) {
            boolean isStatic = (access & Opcodes.ACC_STATIC) != 0;
            int slot = 0;
            body.visitCode();
            if (!isStatic)
                body.visitVarInsn(Opcodes.ALOAD, slot++);
            for (Type type : Type.getArgumentTypes(descriptor)) {
                body.visitVarInsn(type.getOpcode(Opcodes.ILOAD), slot);
                slot += type.getSize();
            }
            String whole = isStatic ? descriptor : "(L" + owner + ";" + descriptor.substring(1);
            if (library == null)
                body.visitInvokeDynamicInsn(name, whole, hook("call", "I"), isStatic ? 0 : 1);
            else
                body.visitInvokeDynamicInsn(name, whole, hook("configured",
                        "Ljava/lang/String;I"), library, isStatic ? 0 : 1);
            body.visitInsn(Type.getReturnType(descriptor).getOpcode(Opcodes.IRETURN));
            body.visitMaxs(0, 0);
            if (library != null)
                body.visitEnd();
        }
    }

    /** The calls in a method. */
    private final class Calls extends MethodVisitor {
        Calls(MethodVisitor next) {
            super(Opcodes.ASM9, next);
        }

        @Override
        public void visitMethodInsn(int opcode, String owner, String name, String descriptor,
                                    boolean isInterface) {
            boolean isSystem = owner.equals("java/lang/System");
            if (name.equals("loadLibrary") && (isSystem || owner.equals("java/lang/Runtime"))) {
                super.visitInvokeDynamicInsn(name, isSystem ? descriptor
                        : "(Ljava/lang/Runtime;" + descriptor.substring(1),
                        hook("loadLibrary", ""));
                return;
            }
            String library = opcode == Opcodes.INVOKEINTERFACE ? configured.get(owner) : null;
            if (library != null && Hook.has(library, name))
                super.visitInvokeDynamicInsn(name, "(L" + owner + ";" + descriptor.substring(1),
                        hook("configured", "Ljava/lang/String;I"), library, 1);
            else
                super.visitMethodInsn(opcode, owner, name, descriptor, isInterface);
        }
    }
}
