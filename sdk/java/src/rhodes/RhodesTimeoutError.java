package rhodes;

/** The deadline passed. */
public class RhodesTimeoutError extends RhodesError {
    private static final long serialVersionUID = 1;

    RhodesTimeoutError(int code, boolean ran, String message) {
        super(code, ran, message);
    }
}
